import { setTimeout as pause } from 'node:timers/promises'
import { type Person, people } from '#infra/sandbox/people.ts'
import { call, openStream } from '../../http-client.ts'
import type { Place } from '../../journey/places.ts'
import { randomOf } from '../random.ts'
import type { Scene } from './scene.ts'

const refusedPauseMs = 300

/** Somebody uses a service whenever they can, every request with a path of its own, and now and then a stream. */
export const request = async (
  scene: Scene,
  person: Person,
  service: Place['service'],
  lane: number,
): Promise<void> => {
  const { stack, ledger, seed, closing } = scene
  const random = randomOf(seed, `requests ${lane} of ${person.name} to ${service}`)
  const at = {
    port: stack.ports.proxy,
    host: `${service}.localhost`,
    token: await stack.world.idp.tokenFor(person),
  }
  const tag = `${person.name}-${service.slice(0, 2)}-${lane}`
  let streaming = false

  const stream = (): void => {
    streaming = true
    ledger.counts.streams += 1
    openStream({ ...at, path: '/events?every=100' })
      .then(({ closed }) => closed)
      .catch(() => undefined)
      .finally(() => {
        streaming = false
      })
  }

  const once = async (number: number): Promise<number> => {
    ledger.counts.requests += 1
    ledger.requested()
    const { status } = random.chance(0.25)
      ? await call({
          ...at,
          method: 'POST',
          path: `/v1/orders/${tag}-${number}/retry`,
          body: '{"reason":"crash"}',
        })
      : await call({ ...at, path: `/v1/orders/${tag}-${number}` })
    // The service answers 404: it has no such order.
    if (status === 200 || status === 404) ledger.counts.answered += 1
    if ((status === 200 || status === 404) && person === people.eve)
      ledger.violated(`${person.name}, who may nothing, was let in to ${service} with request ${number}`)
    return status
  }

  for (let number = 1; !closing.aborted; number += 1) {
    if (!streaming && random.chance(0.005)) stream()
    const status = await once(number).catch(() => 0)
    const wait = status === 200 || status === 404 ? random.between(15, 60) : refusedPauseMs
    await pause(wait, undefined, { signal: closing }).catch(() => undefined)
  }
}

export type Seen = {
  readonly service: string
  readonly method: string
  readonly path: string
  readonly at: number
}

/** Keeps every request that an upstream sees; the stand-ins themselves keep only the latest. */
export const keepSeen = ({ stack, ledger }: Scene) => {
  const seen: Seen[] = []
  const services = [stack.world.orders, stack.world.payments].map((service) => ({ service, known: 0 }))
  const look = (): void => {
    for (const one of services) {
      const count = one.service.requests()
      const fresh = count - one.known
      one.known = count
      if (fresh === 0) continue
      const latest = one.service.latestRequests()
      if (fresh > latest.length) ledger.violated(`the proof lost sight of ${fresh - latest.length} requests`)
      for (const { method, target, at } of latest.slice(-fresh))
        seen.push({ service: one.service.name, method, path: target.split('?')[0] ?? '', at })
    }
  }
  const timer = setInterval(look, 50)
  return {
    stop: (): readonly Seen[] => {
      clearInterval(timer)
      look()
      return seen
    },
  }
}
