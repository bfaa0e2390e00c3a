import type { Reason } from '#access/domain/reasons.ts'
import type { RuleSet, Service } from '#access/domain/rule-set.ts'
import type { Exchange } from '../exchange.ts'

const port = /:\d{1,5}$/

/** The service by its host, `<service>.<domain>`, with or without port, in any case; or why there is none. */
export const createServiceByHost = (rules: RuleSet) => {
  const byHost = new Map<string, Service>(
    [...rules.services.values()].map((service) => [`${service.name}.${rules.domain}`, service]),
  )
  const own = new Set([rules.domain, `pagepass.${rules.domain}`])

  return (named: string): Service | Reason => {
    const host = named.toLowerCase().replace(port, '')
    return (
      byHost.get(host) ??
      (own.has(host) || host.endsWith(`.${rules.domain}`) ? 'service-unknown' : 'host-wrong')
    )
  }
}

/**
 * Finds the service by the Host header. One that is not there is no refusal yet: who asks hears of it once they are
 * known, and of nothing before.
 */
export const createFindService = (rules: RuleSet) => {
  const serviceByHost = createServiceByHost(rules)
  return (exchange: Exchange): Reason | undefined => {
    const found = serviceByHost(exchange.host)
    if (typeof found !== 'string') exchange.service = found
    else if (found !== 'service-unknown') return found
    return undefined
  }
}
