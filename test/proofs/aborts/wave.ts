import { setImmediate as turn } from 'node:timers/promises'
import { until } from '../../builders/proxy.ts'
import { type Client, type How, openClient, streamIds } from './clients.ts'
import type { Scene } from './scene.ts'
import type { Stage } from './stages.ts'

const usualWidth = 48

/** Every way that a client of this stage may leave. */
const waysOut = ({ over }: Stage): readonly How[] =>
  over === 'h2' ? ['fin', 'rst', 'stream'] : ['fin', 'rst']

/** How many requests of a stage are under way at once: those of whole connections. */
export const widthOf = ({ width = usualWidth, streams = 1 }: Stage): number =>
  Math.ceil(width / streams) * streams

/**
 * So many requests of one stage (a whole connection at least), brought to where they are to be aborted, and aborted. The
 * ways out take turns. Returns how many they were, and what did not go as it should.
 */
export const runWave = async (scene: Scene, stage: Stage, count: number, from: number) => {
  const { proxy, silent } = scene
  const { streams = 1, reads = true } = stage
  const connections = Math.ceil(count / streams)
  const all = connections * streams
  const tokens = await Promise.all(
    Array.from({ length: all }, () => (stage.fresh === true ? proxy.token() : scene.token)),
  )
  const clients = await Promise.all(
    Array.from({ length: connections }, () => openClient(proxy.port, { over: stage.over, reads, streams })),
  )
  const atService = proxy.orders.received().length
  const atSilent = silent.asked()
  const arrived = () =>
    proxy.orders
      .received()
      .slice(atService)
      .filter(({ target }) => target.startsWith(stage.path))
  const signs: Record<Stage['sign'], () => boolean> = {
    sent: () => true,
    'at the service': () => arrived().length >= all,
    'at the silent service': () => silent.asked() - atSilent >= all,
    answered: () => clients.every((client) => client.seen() > 0),
    stuck: () => arrived().length >= all && arrived().every(({ response }) => response.writableNeedDrain),
  }
  let begun = 0
  for (const client of clients)
    for (const stream of streamIds(streams)) {
      stage.begin(client, { path: `${stage.path}${from + begun}`, token: tokens[begun] ?? '', stream })
      begun += 1
    }
  const ways = waysOut(stage)
  const abort = (client: Client, index: number): void =>
    client.abort(ways[(from + index) % ways.length] ?? 'rst')
  const wrong: string[] = []
  const good = async (when: string): Promise<void> => {
    const status = await scene.good()
    if (status !== 200) wrong.push(`${stage.name}: a good request ${when} was answered with ${status}`)
  }
  if (stage.spread === true)
    for (const [index, client] of clients.entries()) {
      await turn()
      abort(client, index)
    }
  else {
    await until(signs[stage.sign], `${stage.name}: all to be ${stage.sign}`)
    for (const client of clients) stage.goOn?.(client)
    // What was sent before this one was read before it.
    await good('before the aborts')
    for (const [index, client] of clients.entries()) abort(client, index)
  }
  await good('after the aborts')
  for (const client of clients) client.drop()
  return { all, wrong }
}
