import type { Reason } from '#access/domain/reasons.ts'
import type { RuleSet, Service } from '#access/domain/rule-set.ts'
import type { Exchange } from '../exchange.ts'

const port = /:\d{1,5}$/

/** Finds the service by the Host header: `<service>.<domain>`, with or without port, in any case. */
export const createFindService = (rules: RuleSet) => {
  const byHost = new Map<string, Service>(
    [...rules.services.values()].map((service) => [`${service.name}.${rules.domain}`, service]),
  )
  const own = new Set([rules.domain, `pagepass.${rules.domain}`])

  return (exchange: Exchange): Reason | undefined => {
    const host = exchange.host.toLowerCase().replace(port, '')
    exchange.service = byHost.get(host)
    if (exchange.service !== undefined) return undefined
    return own.has(host) || host.endsWith(`.${rules.domain}`) ? 'service-unknown' : 'host-wrong'
  }
}
