import type { Reason } from '#access/domain/reasons.ts'
import type { Exchange } from '../exchange.ts'

/** Sixteen bytes in base64 (RFC 6455 4.1), in the one spelling that they have. */
const keyShape = /^[A-Za-z0-9+/]{21}[AQgw]==$/

/**
 * Only the opening handshake of a WebSocket (RFC 6455 4.2.1) may become an upgrade, and is decided on as `WS` from here
 * on. Any other protocol would be a tunnel that nobody can read.
 */
export const readUpgrade = (exchange: Exchange): Reason | undefined => {
  const { request, upgrade } = exchange
  if (upgrade === undefined) return undefined
  const { rawHeaders, method, httpVersion } = request
  const protocols: string[] = []
  const versions: string[] = []
  const keys: string[] = []
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const value = rawHeaders[index + 1] as string
    switch ((rawHeaders[index] as string).toLowerCase()) {
      case 'upgrade':
        protocols.push(value.toLowerCase())
        break
      case 'sec-websocket-version':
        versions.push(value)
        break
      case 'sec-websocket-key':
        keys.push(value)
        break
      // A handshake has no body, and what might be taken for one no place in front of the frames.
      case 'content-length':
      case 'transfer-encoding':
        return 'upgrade-not-admitted'
    }
  }
  const [protocol] = protocols
  const [version] = versions
  const [key] = keys
  const once = protocols.length === 1 && versions.length === 1 && keys.length === 1
  if (!once || protocol !== 'websocket' || version !== '13' || key === undefined || !keyShape.test(key))
    return 'upgrade-not-admitted'
  // A client waits for the answer before it sends frames (RFC 6455 4.1).
  if (method !== 'GET' || httpVersion !== '1.1' || upgrade.early) return 'upgrade-not-admitted'
  upgrade.key = key
  exchange.method = 'WS'
  return undefined
}
