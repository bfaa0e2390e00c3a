import type { Pattern } from './path-pattern.ts'
import type { Proven } from './principal.ts'
import type { Reason } from './reasons.ts'
import { type EgressRule, isWorkload, type RuleSet } from './rule-set.ts'
import type { View } from './view.ts'

export type EgressRequest = {
  readonly who: Proven
  /** Where it may go, in the order in which it is tried (`originsOf`). */
  readonly origins: readonly string[]
  readonly method: string
  /** The exact bytes that go out, without the query. */
  readonly path: string
}

export type EgressAllowed = {
  readonly allow: true
  readonly rule: EgressRule
  /** The one of the origins that it goes to, as the rule has it. */
  readonly origin: string
  readonly pattern: Pattern
}
export type EgressDecision = EgressAllowed | { readonly allow: false; readonly reason: Reason }

/**
 * The one decision on a call to the outside. Pure, and without anything that Redis would have to be asked for: a lock that
 * the view knows of shuts out, and its age matters to nothing else. The last line denies.
 */
export const decideEgress = (
  rules: RuleSet,
  view: Pick<View, 'isLocked'>,
  { who, origins, method, path }: EgressRequest,
): EgressDecision => {
  if (view.isLocked(who.principal)) return { allow: false, reason: 'principal-locked' }
  let mayCall = false
  for (const origin of origins)
    for (const rule of rules.egress) {
      if (!rule.to.includes(origin) || !rule.from.some((name) => isWorkload(rules, name, who))) continue
      mayCall = true
      const route = rule.allow.find(method, path)
      if (route !== undefined) return { allow: true, rule, origin, pattern: route.pattern }
    }
  return { allow: false, reason: mayCall ? 'egress-beyond' : 'egress-missing' }
}

/** A host name, an IPv4 address or an IPv6 one in brackets, and a port other than the usual (RFC 3986 3.2). */
const authorityShape = /^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i

/**
 * Which origins of rules a target's scheme and authority mean (`http`, `api.stripe.com`). Whoever asks for `https` means
 * TLS alone. Many clients can ask a forward proxy for nothing but `http`, so that means TLS at the same host and port too,
 * and first; where no rule says so, plain HTTP. Undefined where it is no authority, or holds a user name or password.
 */
export const originsOf = (scheme: 'http' | 'https', authority: string): readonly string[] | undefined => {
  if (!authorityShape.test(authority)) return undefined
  const lower = authority.toLowerCase()
  const secure = `https://${lower.replace(/:443$/, '')}`
  return scheme === 'https' ? [secure] : [secure, `http://${lower.replace(/:80$/, '')}`]
}
