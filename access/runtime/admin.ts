import { createServer, type ServerResponse } from 'node:http'
import type { Address } from './config.ts'
import { phaseNow } from './draining.ts'
import { listen } from './listen.ts'

/** What Prometheus reads, such as a registry of prom-client. */
export type Metrics = { readonly contentType: string; readonly metrics: () => Promise<string> }

/**
 * The admin port of a process. In JSON: `/healthz` (it lives) and `/readyz` (it can do its work; otherwise 503 with what
 * it waits for, or that it drains or stops). Both carry `facts`, such as the rules it decides by. `/metrics` is for
 * Prometheus. Never on a public address.
 */
export const startAdmin = async (
  at: Address,
  waitingFor: () => readonly string[],
  facts: () => Readonly<Record<string, unknown>> = () => ({}),
  metrics?: Metrics,
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
      return [404, { status: 'unknown', try: ['/healthz', '/readyz', '/metrics'] }]
    const [status, body] = url === '/healthz' ? [200, { status: 'ok' }] : readiness()
    return [status, { ...body, ...facts() }]
  }
  const answerMetrics = async (response: ServerResponse, source: Metrics): Promise<void> => {
    const text = await source.metrics()
    response.writeHead(200, { 'content-type': source.contentType }).end(text)
  }
  const server = createServer((request, response) => {
    if (request.url === '/metrics' && metrics !== undefined)
      return void answerMetrics(response, metrics).catch(() => response.destroy())
    const [status, body] = answerTo(request.url)
    response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`)
  })
  return listen(server, at)
}
