import { ensurePrograms } from './programs.ts'

/** The programs that tests run, installed where they are not. */
export const setup = async (): Promise<void> => {
  await ensurePrograms(
    ['nginx', 'haproxy', 'caddy', 'openssl', 'python3-jwt', 'python3-cryptography'],
    (line) => process.stderr.write(`${line}\n`),
  )
}
