import { type Person, people } from '#infra/sandbox/people.ts'
import { type Answer, call, openStream } from '../http-client.ts'
import type { Stack } from '../running-stack.ts'
import { openSocket } from '../socket-client.ts'
import type { Place } from './places.ts'

/** Who calls the proxy in a round, each with a token of the identity provider. */
export const callers = async (stack: Stack, { service, paged }: Place) => {
  const { proxy: port } = stack.ports
  const host = `${service}.localhost`
  const token = async (person: Person): Promise<string> => await stack.world.idp.tokenFor(person)
  const tokens = { paged: await token(paged), ben: await token(people.ben), eve: await token(people.eve) }
  const tokenOf = (person: Person): string => (person === paged ? tokens.paged : tokens.ben)
  const caller =
    (bearer: string | undefined, at = host) =>
    (method: string, path: string, body?: string): Promise<Answer> =>
      call({
        port,
        host: at,
        method,
        path,
        ...(bearer === undefined ? {} : { token: bearer }),
        ...(body === undefined ? {} : { body }),
      })
  return {
    paged: caller(tokens.paged),
    ben: caller(tokens.ben),
    eve: caller(tokens.eve),
    nobody: caller(undefined),
    elsewhere: caller(tokens.paged, 'nosuch-svc.localhost'),
    stream: (person: Person) => openStream({ port, host, path: '/events?every=20', token: tokenOf(person) }),
    socket: (person: Person) => openSocket({ port, host, path: '/ws', token: tokenOf(person) }),
  }
}
export type Callers = Awaited<ReturnType<typeof callers>>

export const problem = (answer: Answer): { reason?: string; ask?: string; mend?: string } =>
  JSON.parse(answer.body) as { reason?: string; ask?: string; mend?: string }
