import { execFile } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { PairFiles } from '#proxy/tls/pair.ts'
import { domain } from './proxy.ts'

const run = promisify(execFile)

/**
 * A certificate for every service of the tests and its key, both new, made by OpenSSL, signed by itself and good for 90
 * days. With `bits` the key is RSA.
 */
export const makePair = async (
  folder: string,
  name: string,
  { bits }: { readonly bits?: number } = {},
): Promise<PairFiles> => {
  await mkdir(folder, { recursive: true })
  const files = { cert: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) }
  await run('openssl', [
    ...['req', '-x509', '-nodes', '-days', '90', '-subj', `/CN=${name}`],
    ...(bits === undefined
      ? ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
      : ['-newkey', `rsa:${bits}`]),
    ...['-keyout', files.key, '-out', files.cert],
    ...['-addext', `subjectAltName=DNS:*.${domain},IP:127.0.0.1`],
  ])
  return files
}
