import { setTimeout as sleep } from 'node:timers/promises'
import type { Records } from './records.ts'
import { answer, type Scene } from './scene.ts'
import { descriptors, readMetrics, timers } from './state.ts'

/** A connection of HTTP/2 that Node has lost is found within fifty seconds. */
const patienceMs = 90_000
const lookMs = 50

/** What the two processes of the proxy hold at rest. */
export type Held = { readonly serving: number; readonly parent: number; readonly timers: number }

const readDescriptors = async ({ pid, proxy }: Scene): Promise<Omit<Held, 'timers'>> => ({
  serving: await descriptors(pid),
  parent: await descriptors(proxy.parentPid),
})

/** The most of several looks: now and then something is under way that nobody asked for. */
export const readAtRest = async (scene: Scene): Promise<Held> => {
  let most: Held = { serving: 0, parent: 0, timers: 0 }
  for (let look = 0; look < 5; look += 1) {
    const { serving, parent } = await readDescriptors(scene)
    most = {
      serving: Math.max(most.serving, serving),
      parent: Math.max(most.parent, parent),
      timers: Math.max(most.timers, await timers(scene.inspector)),
    }
    await sleep(200)
  }
  return most
}

/** Looks until nothing is left; then, or when patience ends, answers with what is. */
const untilNothing = async (look: () => Promise<string[]>): Promise<string[]> => {
  const tooLate = AbortSignal.timeout(patienceMs)
  for (;;) {
    const left = await look()
    if (left.length === 0 || tooLate.aborted) return left
    await sleep(lookMs)
  }
}

const some = (count: number, what: string): string[] => (count === 0 ? [] : [`${count} ${what}`])

/**
 * What is still under way, by what the services, the records and the proxy itself say. A service may be connected to for
 * further requests (undici connects again after each abort, too), and not by more than `mostPooled`.
 */
export const untilQuiet = (scene: Scene, records: Records, mostPooled: number): Promise<string[]> =>
  untilNothing(async () => {
    const { orders } = scene.proxy
    await records.look()
    const { open, pending } = await readMetrics(scene)
    return [
      ...some(records.open().length, 'records of an admission without an end'),
      ...some(records.strays().length, 'ends of what was not admitted, or had ended'),
      ...some(open, 'open by the proxy’s own count'),
      ...some(pending, 'waiting for their records'),
      ...some(
        orders.received().filter(({ response }) => !response.destroyed && !response.writableFinished).length,
        'open at the service',
      ),
      ...some(
        orders.lines().filter(({ code }) => code() === undefined).length,
        'WebSockets open at the service',
      ),
      ...some(scene.silent.open(), 'handshakes open at the service'),
      ...some(
        Math.max(0, orders.connections().filter((one) => !one.closed()).length - mostPooled),
        'connections to the service too many',
      ),
    ]
  })

/** Has the service close what is kept for further requests, and forget what it received. */
export const forgetAtService = ({ proxy }: Scene): void => {
  proxy.orders.forget()
  proxy.orders.answerWith(answer)
}

/** Which sockets and files are held beyond those at rest. */
export const untilDescriptorsAtRest = (scene: Scene, rest: Held): Promise<string[]> =>
  untilNothing(async () => {
    const { serving, parent } = await readDescriptors(scene)
    return [
      ...some(Math.max(0, serving - rest.serving), 'descriptors more in the serving process'),
      ...some(Math.max(0, parent - rest.parent), 'descriptors more in the parent'),
    ]
  })

/** Which timers run beyond those at rest. */
export const untilTimersAtRest = (scene: Scene, rest: Held): Promise<string[]> =>
  untilNothing(async () => some(Math.max(0, (await timers(scene.inspector)) - rest.timers), 'timers more'))
