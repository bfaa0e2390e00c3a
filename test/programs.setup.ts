import { ensurePrograms } from './programs.ts'

/** The real front proxies and balancers that tests run, installed where they are not. */
export const setup = async (): Promise<void> => {
  await ensurePrograms(['nginx', 'haproxy', 'caddy'], (line) => process.stderr.write(`${line}\n`))
}
