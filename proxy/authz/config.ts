import { z } from 'zod'
import { Fault } from '#access/domain/errors.ts'
import { type Address, address, isLoopback } from '#access/runtime/config.ts'
import { readUsable } from '../tls/keep-pair.ts'
import type { PairFiles } from '../tls/pair.ts'

const oneSecret = /^[!-+\--~]{32,}$/

/** What the decision endpoint reads of the environment. Without an address there is none. */
export const authzShape = {
  PAGEPASS_AUTHZ_LISTEN: address.optional(),
  PAGEPASS_AUTHZ_SECRETS: z
    .string()
    .transform((text) => text.split(',').map((part) => part.trim()))
    .refine(
      (list) => list.every((one) => oneSecret.test(one)),
      'each secret needs at least 32 characters, printable ASCII without spaces',
    )
    .optional(),
  PAGEPASS_AUTHZ_TLS_CERT: z.string().optional(),
  PAGEPASS_AUTHZ_TLS_KEY: z.string().optional(),
  PAGEPASS_AUTHZ_TLS_CA: z.string().optional(),
}

type Read = z.output<z.ZodObject<typeof authzShape>> & { readonly PAGEPASS_MODE: 'production' | 'sandbox' }

export type AuthzSettings = {
  readonly listen: Address
  /** Any of them will do. None: the certificate alone tells who asks. */
  readonly secrets: readonly string[]
  /** Where the PEM files lie. With a `ca`, whoever connects must show a certificate that it signed. */
  readonly tls: PairFiles | undefined
}

/** What a fault of these files is told by. */
export const authzTlsNames = 'PAGEPASS_AUTHZ_TLS_CERT, _KEY, _CA'

/** Refuses an endpoint that anybody could ask, or to which a secret would travel in the clear. */
export const checkAuthz = (read: Read): void => {
  const {
    PAGEPASS_AUTHZ_LISTEN: listen,
    PAGEPASS_AUTHZ_TLS_CERT: cert,
    PAGEPASS_AUTHZ_TLS_KEY: key,
    PAGEPASS_AUTHZ_TLS_CA: ca,
  } = read
  if (listen === undefined) return
  const faults: string[] = []
  if (read.PAGEPASS_AUTHZ_SECRETS === undefined && ca === undefined)
    faults.push('PAGEPASS_AUTHZ_SECRETS: without it or PAGEPASS_AUTHZ_TLS_CA anybody could ask for decisions')
  if ((cert === undefined) !== (key === undefined))
    faults.push('PAGEPASS_AUTHZ_TLS_CERT: goes together with PAGEPASS_AUTHZ_TLS_KEY')
  if (ca !== undefined && cert === undefined)
    faults.push('PAGEPASS_AUTHZ_TLS_CA: needs PAGEPASS_AUTHZ_TLS_CERT and PAGEPASS_AUTHZ_TLS_KEY')
  if (read.PAGEPASS_MODE === 'production' && !isLoopback(listen.host) && cert === undefined)
    faults.push('PAGEPASS_AUTHZ_LISTEN: beyond loopback production needs PAGEPASS_AUTHZ_TLS_CERT and _KEY')
  if (faults.length > 0) throw new Fault('config/invalid', faults.join('\n'))
}

/** The settings, whose files can be used as they are now; undefined where no address is set. */
export const loadAuthz = async (read: Read): Promise<AuthzSettings | undefined> => {
  checkAuthz(read)
  const { PAGEPASS_AUTHZ_LISTEN: listen, PAGEPASS_AUTHZ_SECRETS: secrets = [] } = read
  return listen === undefined ? undefined : { listen, secrets, tls: await loadTls(read) }
}

const loadTls = async ({
  PAGEPASS_AUTHZ_TLS_CERT: cert,
  PAGEPASS_AUTHZ_TLS_KEY: key,
  PAGEPASS_AUTHZ_TLS_CA: ca,
}: Read): Promise<PairFiles | undefined> => {
  if (cert === undefined || key === undefined) return undefined
  const files = { cert, key, ca }
  await readUsable(files, authzTlsNames)
  return files
}
