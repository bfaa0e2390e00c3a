import { createHash } from 'node:crypto'
import { canonicalJson, type Json } from './canonical-json.ts'
import type { Grant } from './grant.ts'

/**
 * SHA-256 (base64url) of all that somebody approves: who gets what, where, for how long, from when, why, and who may say
 * yes. No step of a grant changes any of it, so every approval that it carries is of this one scope.
 */
export const scopeHash = (grant: Grant): string => {
  const { environment, id, who, services, also, tier, duration, begins, approvers, why, rules } = grant
  const scope = {
    environment,
    id,
    who: { issuer: who.issuer, subject: who.subject },
    services,
    also,
    tier,
    duration,
    begins: begins?.at,
    approvers,
    // The incident may be merged into another one; then what was approved goes on under that.
    why: whyOf(why),
    rules,
  }
  return createHash('sha256').update(canonicalJson(scope)).digest('base64url')
}

const whyOf = (why: Grant['why']): Json => {
  if (why.kind === 'page') return { rule: why.rule, doubt: why.doubt }
  if (why.kind === 'request') return { rule: why.rule, reason: why.reason }
  // No sign-in for anything else is one for breaking the glass.
  if (why.kind === 'break-glass') return { kind: why.kind, rule: why.rule, reason: why.reason }
  const { issuer, subject } = why.commander
  return { rule: why.rule, reason: why.reason, go: why.go, commander: { issuer, subject } }
}
