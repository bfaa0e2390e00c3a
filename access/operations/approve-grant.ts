import { decideApproval } from '../domain/decide-approval.ts'
import { isCommanded, mayBeAdded } from '../domain/decide-command.ts'
import { isFreezable } from '../domain/decide-request.ts'
import { freezeOn } from '../domain/freeze-on.ts'
import type { Grant } from '../domain/grant.ts'
import { byOf, nextVersion } from '../domain/grant-transitions.ts'
import { type Person, principalKey } from '../domain/principal.ts'
import type { Reason } from '../domain/reasons.ts'
import { type RuleSet, requestRulesFor, tierOf } from '../domain/rule-set.ts'
import { scopeHash } from '../domain/scope.ts'
import type { SignInTerms } from '../domain/sign-in.ts'
import type { DecideParts, Directory, SignInAsk, SignIns, VerifySignIn } from '../ports.ts'
import { endBeside } from './end-with-incident.ts'
import { standing } from './find-held.ts'
import { stillStanding } from './still-standing.ts'

/** The grant is `active` when this approval was the last one it takes, otherwise still `pending`. */
export type ApproveOutcome =
  | { readonly grant: Grant }
  | { readonly refused: Reason }
  /** They are to sign in anew first. */
  | { readonly signIn: SignInAsk }

/** As many may approve at the same moment, and more. */
const attempts = 10

export type ApproveParts = DecideParts & {
  readonly directory: Directory
  /** Where approvers sign in anew; without it what demands that is approved by nobody. */
  readonly signIns?: SignIns | undefined
  readonly verifySignIn?: VerifySignIn | undefined
}

/**
 * Somebody else approves what a person asked for. How long it lasts counts from the last approval, or from when it is to
 * begin.
 */
export const approveGrant = async (
  parts: ApproveParts,
  person: Person,
  id: string,
  /** The hash of what they were shown (`scopeHash`), where they were shown anything. */
  shown?: string,
  /** The ID token of their sign-in for it. */
  signIn?: string,
): Promise<ApproveOutcome> => {
  const { rules, directory, live, store, clock } = parts
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const now = clock.now()
    const grant = await standing(live, id, now)
    if (grant?.state !== 'pending') return { refused: 'already-decided' }
    const scope = scopeHash(grant)
    if (shown !== undefined && shown !== scope) return { refused: 'scope-changed' }
    const terms = signInTermsOf(rules, grant)
    // Nobody looks at a sign-in that nothing demands, so nobody is known by it.
    if (signIn !== undefined && terms.length === 0) return { refused: 'sign-in-refused' }
    const before = await bySignIn(parts, grant, terms, stillStanding(rules, directory, grant, now))
    if (before === 'unavailable') return { refused: 'identity-unavailable' }
    const decision = decideApproval(rules, { ...grant, approvals: before }, person, now)
    if (!decision.may) return { refused: decision.reason }
    const asker = directory.byPrincipal(principalKey(grant.who))
    if (asker?.active !== true) return { refused: 'person-inactive' }
    if (!fitsTier(rules, grant) || !mayHave(rules, { ...grant, approvals: before }, asker, now))
      return { refused: 'not-eligible' }
    const from = Math.max(now, grant.begins?.at ?? now)
    if (isFreezable(grant) && freezeOn(rules, grant, from) !== undefined) return { refused: 'frozen' }
    const approval = {
      ...byOf(person),
      at: now,
      teams: [...decision.teams],
      scope,
      ...(terms.length === 0 || signIn === undefined ? {} : { signIn }),
    }
    const [ask] = terms
    if (ask !== undefined) {
      if (signIn === undefined)
        return parts.signIns === undefined
          ? { refused: 'sign-in-first' }
          : { signIn: { ...strictest(terms), person, grant: id, nonce: scope } }
      const proven = await bySignIn(parts, grant, terms, [approval])
      if (proven === 'unavailable') return { refused: 'identity-unavailable' }
      if (proven.length === 0) return { refused: 'sign-in-refused' }
    }
    const approvals = [...before, approval]
    const next = decision.completes
      ? nextVersion(grant, 'approved', { approvals, from, until: from + grant.duration }, now, person)
      : nextVersion(grant, 'endorsed', { approvals }, now, person)
    // Where somebody else decided meanwhile, what they made of it is decided on again.
    if (!(await store.give(next)).given) continue
    if (decision.completes) await endBeside(parts, next)
    return { grant: next }
  }
  return { refused: 'already-decided' }
}

/**
 * Whether the rules still let them ask for it, or be added by a commander who still may, as the directory has them now. What
 * a page put before others it did so because the rules did not.
 */
const mayHave = (rules: RuleSet, grant: Grant, asker: Person, now: number): boolean => {
  const { why, services, tier: name } = grant
  if (why.kind === 'page') return true
  if (why.kind === 'command' && !isCommanded(rules, grant)) return false
  return services.every((of) => {
    const service = rules.services.get(of)
    const tier = service === undefined ? undefined : tierOf(service, name)
    if (service === undefined || tier === undefined) return false
    return why.kind === 'command'
      ? mayBeAdded(rules, service, tier, asker, now)
      : requestRulesFor(rules, service, name, asker, now).length > 0
  })
}

type Approvals = NonNullable<Grant['approvals']>

/** What the tiers of its services demand of the sign-in of each approver; none where nothing is. */
const signInTermsOf = (rules: RuleSet, { services, tier: name }: Grant): SignInTerms[] =>
  services.flatMap((of) => {
    const service = rules.services.get(of)
    return (service === undefined ? undefined : tierOf(service, name))?.approvals?.signIn ?? []
  })

const strictest = (terms: readonly SignInTerms[]): SignInTerms => ({
  acr: terms.find(({ acr }) => acr !== undefined)?.acr,
  maxAge: Math.min(...terms.map(({ maxAge }) => maxAge)),
})

/** Those of the approvals whose sign-in is what each of these terms demands. */
const bySignIn = async (
  { rules, verifySignIn }: ApproveParts,
  grant: Grant,
  terms: readonly SignInTerms[],
  approvals: Approvals,
): Promise<Approvals | 'unavailable'> => {
  if (terms.length === 0) return approvals
  const { issuer, client } = rules.identity
  const nonce = scopeHash(grant)
  const kept: Approvals = []
  for (const approval of approvals) {
    const { signIn: token, subject, at } = approval
    if (token === undefined || verifySignIn === undefined || approval.issuer !== issuer) continue
    const verdicts = await Promise.all(
      terms.map((term) => verifySignIn(token, { ...term, issuer, client, subject, nonce, at })),
    )
    if (verdicts.some((verdict) => 'refused' in verdict && verdict.refused === 'unavailable'))
      return 'unavailable'
    if (verdicts.every((verdict) => 'signedInAt' in verdict)) kept.push(approval)
  }
  return kept
}

/** Whether it is still no more than its tier gives, and before no fewer and no other people than the tier demands. */
const fitsTier = (rules: RuleSet, { services, tier: name, duration, approvers }: Grant): boolean =>
  services.every((of) => {
    const service = rules.services.get(of)
    const tier = service === undefined ? undefined : tierOf(service, name)
    if (tier === undefined || duration > tier.longest) return false
    const { approvals } = tier
    return (
      approvals === undefined ||
      (approvers !== undefined &&
        approvers.count >= approvals.count &&
        (approvers.distinct === true || !approvals.distinct) &&
        approvers.from.every((people) => approvals.from.includes(people)) &&
        (approvers.escalate?.to ?? []).every((people) => approvals.escalate?.to.includes(people)))
    )
  })
