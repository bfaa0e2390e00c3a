import { createServer } from 'node:http'
import type { Address } from './config.ts'
import { phaseNow } from './draining.ts'
import { listen } from './listen.ts'

/**
 * The admin port of a process, in JSON: `/healthz` (it lives) and `/readyz` (it can do its work; otherwise 503 with what
 * it waits for, or that it drains or stops). Both carry `facts`, such as the rules it decides by. Never on a public
 * address.
 */
export const startAdmin = async (
  at: Address,
  waitingFor: () => readonly string[],
  facts: () => Readonly<Record<string, unknown>> = () => ({}),
) => {
  const readiness = (): readonly [number, object] => {
    const phase = phaseNow()
    if (phase !== 'running') return [503, { status: phase }]
    const missing = waitingFor()
    return missing.length === 0
      ? [200, { status: 'ready' }]
      : [503, { status: 'waiting', waiting_for: missing }]
  }
  const answerTo = (url: string | undefined): readonly [number, object] => {
    if (url !== '/healthz' && url !== '/readyz')
      return [404, { status: 'unknown', try: ['/healthz', '/readyz'] }]
    const [status, body] = url === '/healthz' ? [200, { status: 'ok' }] : readiness()
    return [status, { ...body, ...facts() }]
  }
  const server = createServer((request, response) => {
    const [status, body] = answerTo(request.url)
    response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`)
  })
  return listen(server, at)
}
