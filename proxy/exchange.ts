import type { Allowed } from '#access/domain/decision.ts'
import type { HeldGrant } from '#access/domain/held.ts'
import type { Pattern } from '#access/domain/path-pattern.ts'
import type { Service } from '#access/domain/rule-set.ts'
import type { Tier } from '#access/domain/tier.ts'
import type { Usage } from '#access/domain/usage.ts'
import type { OpenSet } from '#access/runtime/open-set.ts'
import type { Identity } from './identities.ts'
import type { SharedBucket } from './rate-limits.ts'
import type { Tunnel } from './websockets/tunnel.ts'
import type { ClientRequest, ClientResponse } from './wire.ts'

/** One request and its answer on the way through the pipeline. Steps fill it in, in the order of the pipeline. */
export type Exchange = {
  readonly id: string
  readonly request: ClientRequest
  readonly response: ClientResponse
  /** Set when the client asks for an upgrade. */
  readonly upgrade: UpgradeAsked | undefined
  readonly startedAt: number
  /** When the pipeline last looked at the clock: at the start, and whenever it had to wait. */
  now: number
  /** What is decided on and recorded: `WS` for the opening handshake of a WebSocket. */
  method: string
  /** The exact bytes that go upstream. */
  target: string
  /** The target without its query: what is decided on. */
  path: string
  host: string
  /** The presented token, without its scheme. */
  token: string
  /** The value of our session cookie, as it was sent. */
  session: string | undefined
  /** The break-glass pass that came with it, as it was sent; empty where there is none. */
  breakGlass: string
  /** Whether the headers announce a body (RFC 9112 6.3). */
  hasBody: boolean
  /** Whether the client waits for `100 Continue` before it sends its body (RFC 9110 10.1.1). */
  waitsToSend: boolean
  /** How many early hints went to the client. */
  hints: number
  /** Name, value, name, value: what of the client's headers goes upstream. */
  forwarded: string[]
  service: Service | undefined
  identity: Identity | undefined
  decision: Allowed | undefined
  use: GrantUse | undefined
  /** Among those that are open under its grant. */
  place: number
  /** Stops the request upstream. Set once it is on its way. */
  abort: ((reason: Error) => void) | undefined
  /** The WebSocket that was asked for, from the moment the handshake goes upstream. */
  tunnel: Tunnel | undefined
  /** What the metrics time it by, in milliseconds of their stopwatch. */
  stamp: number
  status: number
  bytes: number
  /** How it ended, once it has: after that nothing more is recorded or counted. */
  outcome: Outcome | undefined
}

export type UpgradeAsked = {
  /** Whether the client sent something behind its handshake, which it must not. */
  readonly early: boolean
  /** Its `Sec-WebSocket-Key`, once it was read. */
  key: string
}

/** What this process keeps per grant in use, so that a request needs none of it anew. */
export type GrantUse = {
  /** The newest version of the grant that was used. */
  held: HeldGrant
  /** Requests and streams under way. All are cut when the grant ends. */
  readonly open: OpenSet<Exchange>
  readonly usage: Usage
  /** Counts the changes of `usage`, so that only what changed is reported. */
  changes: number
  reported: number
  expiry: NodeJS.Timeout | undefined
  /** service → pattern → the part of the admit record that they fix. */
  readonly terms: Map<Service, Map<Pattern, string>>
  /** service → tier → what its requests take from. */
  readonly buckets: Map<Service, Map<Tier, SharedBucket>>
}

export type Outcome = 'done' | 'refused' | 'aborted' | 'cut' | 'failed'

export const createExchange = (
  request: ClientRequest,
  response: ClientResponse,
  id: string,
  now: number,
  upgrade?: UpgradeAsked,
): Exchange => ({
  id,
  request,
  response,
  upgrade,
  startedAt: now,
  now,
  method: request.method ?? '',
  target: '',
  path: '',
  host: '',
  token: '',
  session: undefined,
  breakGlass: '',
  hasBody: false,
  waitsToSend: false,
  hints: 0,
  forwarded: [],
  service: undefined,
  identity: undefined,
  decision: undefined,
  use: undefined,
  place: -1,
  abort: undefined,
  tunnel: undefined,
  stamp: -1,
  status: 0,
  bytes: 0,
  outcome: undefined,
})
