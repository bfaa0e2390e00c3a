import type { Service } from '#access/domain/rule-set.ts'
import type { Exchange, UpgradeAsked } from '../exchange.ts'
import { type ForwardEnd, forward, lateNames, type Upstreams } from '../forward.ts'
import { forwardByHttp2, goesByHttp2 } from '../http2/forward.ts'
import type { ProxyMetrics } from '../metrics.ts'
import type { Upgrades } from '../websockets/upgrade.ts'
import type { Close } from './close.ts'
import { upstreamHeaders } from './upstream-headers.ts'

export type SendParts = {
  readonly upstreams: Upstreams
  readonly upgrades: Upgrades
  readonly metrics: ProxyMetrics
  readonly close: Close
  /** Tells the client that the service did not do it, in time or at all. */
  readonly tellFailed: (exchange: Exchange, late: boolean) => void
  /** Ends a WebSocket that must not begin any more. */
  readonly endTunnel: (exchange: Exchange) => void
  /** Whether this process goes, and no WebSocket begins. */
  readonly ending: () => boolean
}

/** Sends an admitted request to its service, and the answer back; for an upgrade, the frames both ways. */
export const createSend = ({
  upstreams,
  upgrades,
  metrics,
  close,
  tellFailed,
  endTunnel,
  ending,
}: SendParts) => {
  const answered = ({ stamp }: Exchange): void => metrics.answered(stamp)

  const failed = (exchange: Exchange, late: boolean): void => {
    metrics.upstreamFailed(late)
    tellFailed(exchange, late)
  }

  const ended: ForwardEnd = (exchange, outcome, error) => {
    if (exchange.outcome !== undefined) return
    close(exchange, outcome)
    if (outcome === 'failed') failed(exchange, error !== undefined && lateNames.has(error.name))
  }

  const openTunnel = (
    exchange: Exchange,
    service: Service,
    assertion: string,
    { key }: UpgradeAsked,
  ): void => {
    const { request, response, target } = exchange
    const client = request.socket
    // A client whose half is closed by now has left, and its socket would never say so again.
    if (ending() || client.readableEnded) return endTunnel(exchange)
    exchange.tunnel = upgrades.open(
      {
        client,
        origin: service.releases[service.serve] as string,
        target,
        key,
        withinMs: service.timeouts.headers,
        headers: upstreamHeaders(exchange, assertion),
      },
      {
        opened: () => {
          response.detachSocket(client)
          exchange.status = 101
          answered(exchange)
        },
        passed: (bytes) => {
          exchange.bytes += bytes
        },
        failed: (late) => {
          if (exchange.outcome !== undefined) return
          close(exchange, 'failed')
          failed(exchange, late)
        },
        closed: (outcome) => close(exchange, outcome),
      },
    )
  }

  return (exchange: Exchange, service: Service, assertion: string): void => {
    exchange.stamp = metrics.sent(exchange.stamp)
    if (exchange.upgrade !== undefined) return openTunnel(exchange, service, assertion, exchange.upgrade)
    const headers = upstreamHeaders(exchange, assertion)
    if (goesByHttp2(exchange, service))
      forwardByHttp2(upstreams.http2, service, exchange, headers, ended, answered)
    else forward(upstreams.of(service), exchange, headers, ended, answered)
  }
}
