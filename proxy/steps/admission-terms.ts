import { admissionTerms } from '#access/domain/audit-record.ts'
import type { Allowed } from '#access/domain/decision.ts'
import type { Grant } from '#access/domain/grant.ts'
import type { Pattern } from '#access/domain/path-pattern.ts'
import { principalKey } from '#access/domain/principal.ts'
import type { GrantUse } from '../exchange.ts'

/** What the record of an admission says of its pass. Put together once per grant, service and pattern. */
export const termsOf = (
  use: GrantUse,
  { held: { grant }, service, tier, pattern }: Allowed,
  rules: string,
): string => {
  const byPattern = use.terms.get(service) ?? new Map<Pattern, string>()
  const known = byPattern.get(pattern)
  if (known !== undefined) return known
  const terms = admissionTerms({
    who: principalKey(grant.who),
    service: service.name,
    release: service.serve,
    tier: tier.name,
    pattern: pattern.text,
    grant: grant.id,
    version: grant.version,
    ...brokenGlass(grant),
    rules,
  })
  use.terms.set(service, byPattern.set(pattern, terms))
  return terms
}

/** Whose keys signed a pass that was signed offline. */
export const brokenGlass = ({ why }: Grant): { readonly breakGlass?: readonly string[] } =>
  why.kind === 'break-glass' && why.keys !== undefined ? { breakGlass: why.keys } : {}
