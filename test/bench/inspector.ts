import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'

const targets = z.array(z.object({ webSocketDebuggerUrl: z.string() })).min(1)
const reply = z.object({
  id: z.number().optional(),
  result: z.unknown(),
  error: z.object({ message: z.string() }).optional(),
})

/**
 * Speaks to the inspector of a Node process that was started with `--inspect-port=<port>`. It listens only from now on
 * (SIGUSR1 opens it), so it costs nothing in what was measured before.
 */
export const openInspector = async (pid: number, port: number) => {
  process.kill(pid, 'SIGUSR1')
  const socket = new WebSocket(await addressAt(port))
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve)
    socket.addEventListener('error', () => reject(new Error(`process ${pid} can't be inspected`)))
  })
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  let count = 0
  socket.addEventListener('message', ({ data }) => {
    const { id, result, error } = reply.parse(JSON.parse(String(data)))
    const asked = waiting.get(id ?? 0)
    if (asked === undefined) return
    waiting.delete(id ?? 0)
    if (error === undefined) asked.resolve(result)
    else asked.reject(new Error(error.message))
  })
  return {
    ask: (method: string, params: Readonly<Record<string, unknown>> = {}): Promise<unknown> => {
      count += 1
      const asked = Promise.withResolvers<unknown>()
      waiting.set(count, asked)
      socket.send(JSON.stringify({ id: count, method, params }))
      return asked.promise
    },
    close: (): void => socket.close(),
  }
}
export type Inspector = Awaited<ReturnType<typeof openInspector>>

const addressAt = async (port: number): Promise<string> => {
  for (let attempt = 0; attempt < 300; attempt += 1) {
    const found = await fetch(`http://127.0.0.1:${port}/json/list`).then(
      (response) => response.json(),
      () => undefined,
    )
    const [target] = targets.safeParse(found).data ?? []
    if (target !== undefined) return target.webSocketDebuggerUrl
    await sleep(100)
  }
  throw new Error(`no inspector answers on port ${port}`)
}
