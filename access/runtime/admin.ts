import { createServer } from 'node:http'
import type { Address } from './config.ts'
import { isDraining } from './draining.ts'
import { listen } from './listen.ts'

/**
 * The admin port of a process: `/healthz` (it lives) and `/readyz` (it can do its work; otherwise 503 with what it
 * waits for, or that it is stopping). Never on a public address.
 */
export const startAdmin = async (at: Address, waitingFor: () => readonly string[]) => {
  const readiness = (): readonly [number, string] => {
    if (isDraining()) return [503, 'stopping\n']
    const missing = waitingFor()
    return missing.length === 0 ? [200, 'ready\n'] : [503, `waiting for ${missing.join(', ')}\n`]
  }
  const server = createServer((request, response) => {
    const [status, body] =
      request.url === '/healthz'
        ? [200, 'ok\n']
        : request.url === '/readyz'
          ? readiness()
          : [404, 'try /healthz or /readyz\n']
    response.writeHead(status as number, { 'content-type': 'text/plain; charset=utf-8' }).end(body)
  })
  return listen(server, at)
}
