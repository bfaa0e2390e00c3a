import type { Grant } from '../grant.ts'
import type { RuleSet } from '../rule-set.ts'
import { scopeHash } from '../scope.ts'
import { type SignInDemand, type SignInTerms, whyNoSignIn } from '../sign-in.ts'
import type { Tier } from '../tier.ts'

/** A sign-in is fresh for so long. */
const freshMs = 120_000

/** What the sign-in must be of whoever breaks the glass: as strong as the rules say, or as that of those who would approve. */
export const glassSignInTerms = (
  { breakGlass }: Pick<RuleSet, 'breakGlass'>,
  { approvals, signIn }: Pick<Tier, 'approvals' | 'signIn'>,
): SignInTerms => ({
  acr: breakGlass?.acr ?? approvals?.signIn?.acr ?? signIn?.acr,
  maxAge: freshMs,
})

/** What it must say for a pass that begins then: its own person, and that it is for this very pass. */
export const glassSignInDemand = (
  rules: Pick<RuleSet, 'breakGlass' | 'identity'>,
  tier: Tier,
  grant: Grant,
  begins: number,
): SignInDemand => ({
  ...glassSignInTerms(rules, tier),
  issuer: rules.identity.issuer,
  client: rules.identity.client,
  subject: grant.who.subject,
  nonce: scopeHash(grant),
  at: begins,
})

/** Whether a pass carries the sign-in that it takes. `proven` are the tokens whose signatures hold. */
export const isGlassSignedIn = (
  rules: Pick<RuleSet, 'breakGlass' | 'identity'>,
  tier: Tier,
  grant: Grant,
  proven: ReadonlySet<string>,
): boolean => {
  const { why, who, from } = grant
  const token = why.kind === 'break-glass' ? why.signIn : undefined
  return (
    token !== undefined &&
    proven.has(token) &&
    who.issuer === rules.identity.issuer &&
    whyNoSignIn(token, glassSignInDemand(rules, tier, grant, from)) === undefined
  )
}
