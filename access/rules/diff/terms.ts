import { type Approvals, reasonDemands, type Tier } from '../../domain/tier.ts'
import { allOf, lengthText, rateText } from '../words.ts'
import { type ChangeKind, type Found, loosening } from './change.ts'
import { type Compared, cameAndWent, tiersInBoth } from './compared.ts'
import { agrees, services, tiers, words } from './sentence.ts'

/** The terms of each tier. What a service that was not there before says of itself is nothing changed. */
export const termChanges = ({ services: all }: Compared): Found[] =>
  all.flatMap(({ old, now, isNew }) =>
    isNew
      ? []
      : tiersInBoth(old, now).flatMap((both) =>
          looks
            .flatMap((look) => look(both.old, both.now))
            .map((found) => ({ ...found, tier: both.now.name, service: now.name })),
        ),
  )

type Look = (old: Tier, now: Tier) => readonly Found[]

const on = words`${tiers} on ${services}`

const longest: Look = (old, now) =>
  old.longest === now.longest
    ? []
    : loosening(
        now.longest > old.longest,
        60,
        words`a pass for ${on} may last ${lengthText(now.longest)} instead of ${lengthText(old.longest)}`,
      )

/** What only follows from the longest is not said. */
const usual: Look = (old, now) =>
  old.usual === now.usual ||
  (old.longest !== now.longest && Math.min(old.usual, now.longest) === now.usual) ||
  (old.longest !== now.longest && Math.min(now.usual, old.longest) === old.usual)
    ? []
    : loosening(
        now.usual > old.usual,
        10,
        words`a pass for ${on} lasts ${lengthText(now.usual)} instead of ${lengthText(old.usual)} when no duration is given`,
      )

const rate: Look = (old, now) =>
  old.rate === now.rate
    ? []
    : loosening(
        now.rate > old.rate,
        20,
        words`one person may make ${rateText(now.rate)} instead of ${rateText(old.rate)} requests under ${on}`,
      )

const burst: Look = (old, now) => {
  const follows = [old, now].every((tier) => tier.burst === Math.max(1, tier.rate))
  return old.burst === now.burst || follows
    ? []
    : loosening(
        now.burst > old.burst,
        15,
        words`one person may make ${String(now.burst)} instead of ${String(old.burst)} requests at once under ${on}`,
      )
}

const whenStale: Look = (old, now) =>
  old.whenStale === now.whenStale
    ? []
    : loosening(
        now.whenStale > old.whenStale,
        40,
        words`${on} ${agrees('tiers', 'closes', 'close')} when the knowledge of passes is ${lengthText(now.whenStale)} old instead of ${lengthText(old.whenStale)}`,
      )

const reasonText = { optional: 'no reason', required: 'a reason', ticket: 'a reason with a ticket' } as const

const reason: Look = (old, now) =>
  old.reason === now.reason
    ? []
    : loosening(
        reasonDemands.indexOf(now.reason) < reasonDemands.indexOf(old.reason),
        50,
        words`${on} ${agrees('tiers', 'needs', 'need')} ${reasonText[now.reason]} instead of ${reasonText[old.reason]}`,
      )

const approvalsText = ({ count, from, distinct }: Approvals): string =>
  `${count === 1 ? 'an approval' : `${count} approvals`} by ${allOf(from)}${distinct ? ', each from another team' : ''}`

const approvals: Look = ({ approvals: old }, { approvals: now }) => {
  if (old === undefined && now === undefined) return []
  if (old === undefined || now === undefined)
    return loosening(
      now === undefined,
      95,
      now === undefined
        ? words`${on} ${agrees('tiers', 'needs', 'need')} no approval any more (it took ${old === undefined ? '' : approvalsText(old)})`
        : words`${on} now ${agrees('tiers', 'needs', 'need')} ${approvalsText(now)}`,
    )
  const found: Found[] = []
  if (old.count !== now.count)
    found.push(
      ...loosening(
        now.count < old.count,
        90,
        words`${on} ${agrees('tiers', 'needs', 'need')} ${now.count === 1 ? '1 approval' : `${now.count} approvals`} instead of ${String(old.count)}`,
      ),
    )
  const { came, went } = cameAndWent(old.from, now.from)
  if (came.length > 0) found.push(...loosening(true, 85, words`${allOf(came)} may now approve ${on}`))
  if (went.length > 0) found.push(...loosening(false, 60, words`${allOf(went)} may no longer approve ${on}`))
  if (old.distinct !== now.distinct)
    found.push(
      ...loosening(
        old.distinct,
        88,
        now.distinct
          ? words`each approval of ${on} must now come from another team`
          : words`the approvals of ${on} may now come from one team`,
      ),
    )
  found.push(...approverSignIn(old.signIn, now.signIn))
  if (escalation(old) !== escalation(now))
    found.push({
      kind: 'changes',
      danger: 40,
      say:
        now.escalate === undefined
          ? words`requests for ${on} that nobody answers are put before nobody else any more`
          : words`requests for ${on} that nobody answers are put before ${allOf(now.escalate.to)}, too, after ${lengthText(now.escalate.after)}${old.escalate === undefined ? '' : ` (before ${allOf(old.escalate.to)} after ${lengthText(old.escalate.after)} until now)`}`,
    })
  return found
}

const escalation = ({ escalate }: Approvals): string =>
  JSON.stringify(escalate === undefined ? null : [escalate.after, [...escalate.to].sort()])

const countText = (count: number): string =>
  count === Number.POSITIVE_INFINITY
    ? 'as often as its length allows'
    : count === 0
      ? 'never'
      : count === 1
        ? 'once'
        : `${count} times`
const shareText = (share: number): string =>
  share === Number.POSITIVE_INFINITY
    ? 'as much as its length allows'
    : `${Math.round(share * 100)}% of what it gave`

const extend: Look = ({ extend: old }, { extend: now }) => [
  ...(old.count === now.count
    ? []
    : loosening(
        now.count > old.count,
        30,
        words`a pass for ${on} may be extended ${countText(now.count)} instead of ${countText(old.count)}`,
      )),
  ...(old.share === now.share
    ? []
    : loosening(
        now.share > old.share,
        30,
        words`a pass for ${on} may be extended by ${shareText(now.share)} each time instead of ${shareText(old.share)}`,
      )),
]

const proxyOnly: Look = (old, now) =>
  old.proxyOnly === now.proxyOnly
    ? []
    : loosening(
        old.proxyOnly,
        55,
        now.proxyOnly
          ? words`${on} ${agrees('tiers', 'is', 'are')} now only for requests that come through the proxy`
          : words`${on} ${agrees('tiers', 'is', 'are')} now for requests that don’t come through the proxy, too`,
      )

const signIn: Look = ({ signIn: old }, { signIn: now }) => {
  const found: Found[] = []
  if (old?.acr !== now?.acr) {
    const kind: ChangeKind =
      now?.acr === undefined ? 'loosens' : old?.acr === undefined ? 'tightens' : 'changes'
    const was = old?.acr === undefined ? 'of any class' : `of class ${old.acr}`
    found.push({
      kind,
      danger: 70,
      say: words`${on} ${agrees('tiers', 'needs', 'need')} a sign-in ${now?.acr === undefined ? 'of any class' : `of class ${now.acr}`} instead of one ${was}`,
    })
  }
  const [was, is] = [old?.maxAge ?? Number.POSITIVE_INFINITY, now?.maxAge ?? Number.POSITIVE_INFINITY]
  if (was !== is)
    found.push(
      ...loosening(
        is > was,
        65,
        words`${on} ${agrees('tiers', 'needs', 'need')} a sign-in ${ageText(is)} instead of one ${ageText(was)}`,
      ),
    )
  return found
}

/** What approvers have to do to be believed. */
const approverSignIn = (old: Approvals['signIn'], now: Approvals['signIn']): Found[] => {
  const said = (signIn: Approvals['signIn']): string =>
    signIn === undefined
      ? 'no sign-in of their own'
      : `a sign-in ${ageText(signIn.maxAge)}${signIn.acr === undefined ? '' : `, of class ${signIn.acr}`}`
  if (said(old) === said(now)) return []
  const isLoose =
    now === undefined ||
    (old !== undefined && (now.maxAge > old.maxAge || (old.acr !== undefined && now.acr !== old.acr)))
  return loosening(isLoose, 89, words`approvers of ${on} need ${said(now)} instead of ${said(old)}`)
}

const ageText = (ms: number): string =>
  ms === Number.POSITIVE_INFINITY ? 'however old' : `no older than ${lengthText(ms)}`

const looks: readonly Look[] = [
  approvals,
  longest,
  usual,
  reason,
  signIn,
  proxyOnly,
  whenStale,
  extend,
  rate,
  burst,
]
