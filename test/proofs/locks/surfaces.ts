import type { Fleet, FleetProxy } from '../fleet/fleet.ts'
import { host } from '../fleet/rules.ts'

export const frontSecret = 'front'.repeat(8)

/** A proxy, and where front proxies ask it. */
export type Guarded = FleetProxy & { readonly authzPort: number }

/** What each way in answers to somebody: a pass, a standing rule, a WebSocket, and a front proxy that asks for them. */
export const askEverywhere = async (
  fleet: Fleet,
  all: readonly Guarded[],
  subject: string,
  name: string,
): Promise<readonly (readonly [way: string, admitted: boolean])[]> => {
  const found: (readonly [string, boolean])[] = []
  const admits = (status: number): boolean => status === 200
  for (const under of ['/v1/after', '/standing/after']) {
    const wanted = await Promise.all(
      all.map(async ({ port }, at) =>
        fleet.at(port, await freshToken(fleet, subject), `${name}-${under.split('/')[1]}${at}`),
      ),
    )
    const { asked } = await fleet.order({ kind: 'volley', under, apart: 0, all: wanted })
    found.push(...asked.map(({ status }) => [`GET ${under}`, admits(status)] as const))
  }
  const sockets = await Promise.all(
    all.map(async ({ port }, at) => fleet.at(port, await freshToken(fleet, subject), `${name}-live${at}`)),
  )
  const { refused } = await fleet.order({ kind: 'open', as: 'socket', every: 1_000, all: sockets })
  found.push(...sockets.map(({ tag }) => ['WS /live', !refused.includes(tag)] as const))
  for (const { authzPort } of all)
    for (const target of ['/v1/after', '/standing/after'])
      found.push([
        `asked for ${target}`,
        admits(await askAuthz(authzPort, target, await freshToken(fleet, subject))),
      ])
  return found
}

let minted = 0
/** Somebody's token that nobody has seen before, so that it has to be verified. */
export const freshToken = (fleet: Fleet, subject: string): Promise<string> => {
  minted += 1
  return fleet.token(subject, { roles: ['watch'], jti: String(minted) })
}

const askAuthz = async (port: number, target: string, token: string): Promise<number> => {
  const headers = {
    authorization: `Bearer ${token}`,
    'x-pagepass-front': frontSecret,
    'x-forwarded-method': 'GET',
    'x-forwarded-uri': target,
    'x-forwarded-host': host,
    'x-forwarded-proto': 'https',
    'x-forwarded-for': '192.0.2.7',
  }
  return (await fetch(`http://127.0.0.1:${port}/forward-auth`, { headers })).status
}
