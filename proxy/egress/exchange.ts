import type { EgressAllowed } from '#access/domain/decide-egress.ts'
import type { Pattern } from '#access/domain/path-pattern.ts'
import type { OpenSet } from '#access/runtime/open-set.ts'
import { createExchange, type Exchange, type UpgradeAsked } from '../exchange.ts'
import type { ClientRequest, ClientResponse } from '../wire.ts'
import type { EgressPools } from './pools.ts'

/** One call to the outside and its answer. No service, grant or decision on one has a part in it. */
export type EgressExchange = Exchange & {
  /** Where it may go, by the target. */
  origins: readonly string[]
  allowed: EgressAllowed | undefined
  caller: Caller | undefined
}

/** What this process keeps per principal that calls the outside. */
export type Caller = {
  /** `principalKey`. */
  readonly principal: string
  /** Calls under way. All are cut when the principal is locked. */
  readonly open: OpenSet<EgressExchange>
  /** Connections that nobody else's calls go over. */
  readonly pools: EgressPools
  /** origin → pattern → the part of the admit record that they fix. */
  readonly terms: Map<string, Map<Pattern, string>>
}

export const createEgressExchange = (
  request: ClientRequest,
  response: ClientResponse,
  id: string,
  now: number,
  upgrade: UpgradeAsked | undefined,
): EgressExchange => ({
  ...createExchange(request, response, id, now, upgrade),
  origins: [],
  allowed: undefined,
  caller: undefined,
})
