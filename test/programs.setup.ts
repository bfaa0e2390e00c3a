import { ensurePrograms } from './programs.ts'

/** The programs that tests run, installed where they are not. */
export const setup = async (): Promise<void> => {
  await ensurePrograms(['nginx', 'haproxy', 'caddy', 'openssl'], (line) => process.stderr.write(`${line}\n`))
}
