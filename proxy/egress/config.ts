import { z } from 'zod'
import { Fault } from '#access/domain/errors.ts'
import { type Address, address, isLoopback } from '#access/runtime/config.ts'
import type { PairFiles } from '../tls/pair.ts'

/** What the egress listener reads of the environment. Without an address there is none. */
export const egressShape = {
  PAGEPASS_EGRESS_LISTEN: address.optional(),
  PAGEPASS_EGRESS_TLS_CERT: z.string().optional(),
  PAGEPASS_EGRESS_TLS_KEY: z.string().optional(),
}

type Read = z.output<z.ZodObject<typeof egressShape>> & { readonly PAGEPASS_MODE: 'production' | 'sandbox' }

export type EgressSettings = {
  readonly listen: Address
  /** The certificate and key of the listener; without them it speaks plain HTTP. */
  readonly tls: PairFiles | undefined
}

export const egressTlsNames = 'PAGEPASS_EGRESS_TLS_CERT, PAGEPASS_EGRESS_TLS_KEY'

/**
 * The settings; undefined where no address is set. Refuses a listener to which tokens, and what is meant for TLS behind it,
 * would travel in the clear.
 */
export const egressSettings = ({
  PAGEPASS_MODE: mode,
  PAGEPASS_EGRESS_LISTEN: listen,
  PAGEPASS_EGRESS_TLS_CERT: cert,
  PAGEPASS_EGRESS_TLS_KEY: key,
}: Read): EgressSettings | undefined => {
  if (listen === undefined) return undefined
  if ((cert === undefined) !== (key === undefined))
    throw new Fault('config/invalid', 'PAGEPASS_EGRESS_TLS_CERT: goes together with PAGEPASS_EGRESS_TLS_KEY')
  const tls = cert === undefined || key === undefined ? undefined : { cert, key }
  if (mode === 'production' && !isLoopback(listen.host) && tls === undefined)
    throw new Fault(
      'config/invalid',
      'PAGEPASS_EGRESS_LISTEN: beyond loopback production needs PAGEPASS_EGRESS_TLS_CERT and _KEY',
    )
  return { listen, tls }
}
