import type { AccessDecision } from '#access/domain/decide-access.ts'
import { exactDuration } from '#access/domain/duration.ts'
import { reasons } from '#access/domain/reasons.ts'
import type { RuleSet } from '#access/domain/rule-set.ts'
import { shortHash } from '#access/domain/short-hash.ts'
import { isStanding } from '#access/domain/standing-grant.ts'
import type { Asker } from '#access/rules/explain/asker.ts'
import type { Condition, Mend, RuleChecked } from '#access/rules/explain/condition.ts'
import type { AskExplanation } from '#access/rules/explain/explain-ask.ts'
import type { PageExplanation } from '#access/rules/explain/explain-page.ts'
import type { ServiceExplanation } from '#access/rules/explain/explain-service.ts'
import type { PassChecked } from '#access/rules/explain/pass-conditions.ts'
import { pageText } from '#access/rules/explain/supposed-page.ts'
import type { Explanation, Question } from '#access/rules/explain.ts'
import { momentText, oneOf } from '#access/rules/words.ts'
import { painter } from '../print.ts'

/** A line, and at its end where the rule set says so. */
type Row = { readonly text: string; readonly where?: string | undefined; readonly style?: Style }
type Style = 'good' | 'bad' | 'title'

const styles = { good: 'green', bad: 'red', title: 'bold' } as const satisfies Record<Style, string>
const empty: Row = { text: '' }

/** Places stand in one column; a line that is longer than the others may be has its place behind it. */
const widest = 76

const layOut = (rows: readonly Row[], colours: boolean): string => {
  const paint = painter(colours)
  const column = Math.max(
    0,
    ...rows.flatMap(({ text, where }) => (where === undefined || text.length > widest ? [] : [text.length])),
  )
  return rows
    .map(({ text, where, style }) => {
      const shown = style === undefined ? text : paint(styles[style], text)
      if (where === undefined) return `${shown}\n`
      return `${shown}${' '.repeat(Math.max(0, column - text.length))}  ${paint('dim', where)}\n`
    })
    .join('')
}

const title = (text: string): Row[] => [empty, { text, style: 'title' }]
const fact = (name: string, text: string, where?: string): Row => ({
  text: `  ${name.padEnd(9)}  ${text}`,
  where,
})

const conditionRows = (conditions: readonly Condition[], margin = '  '): Row[] =>
  conditions.map(({ what, held, where }) => ({
    text: `${margin}${held ? '✓ held    ' : '✗ not held'}  ${what}`,
    where,
    style: held ? 'good' : 'bad',
  }))

/** Of a rule that does not fit only what keeps it from fitting, of one that decides all, of one after it nothing. */
const ruleRows = (rules: readonly RuleChecked[]): Row[] =>
  rules.flatMap((rule) => [
    { text: `  ${rule.id} ${rule.does}: ${fitText(rule)}`, where: rule.where },
    ...conditionRows(
      rule.conditions.filter(({ held }) => rule.decides || !held),
      '    ',
    ),
  ])

const fitText = ({ section, fits, decides }: RuleChecked): string => {
  if (section === 'freeze') return fits ? 'holds' : 'does not hold'
  return decides ? 'decides' : fits ? 'fits, after one that decides' : 'does not fit'
}

const mendRows = (mends: readonly Mend[]): Row[] =>
  mends.flatMap(({ say, next, where }) => [
    { text: `  → ${say}`, where },
    ...(next === undefined ? [] : [{ text: `    then ${next}` }]),
  ])

const askerText = ({ subject, groups, roles = [], acr, active = true }: Asker): string =>
  [
    subject,
    groups.length === 0 ? 'no groups' : `groups ${groups.join(', ')}`,
    ...(roles.length === 0 ? [] : [`roles ${roles.join(', ')}`]),
    ...(acr === undefined ? [] : [`signed in with ${acr}`]),
    ...(active ? [] : ['not active']),
  ].join('; ')

/** Why one request is allowed or refused, for people: the answer, what it is about, what was tested, what would mend it. */
export const requestText = (
  rules: RuleSet,
  question: Question,
  it: Explanation,
  colours: boolean,
): string => {
  const { decision, route, by } = it
  const { who, method, path, service, now, page, viewAge = 0 } = question
  const reason = decision.allow ? undefined : decision.reason
  const standing = it.rules.filter(({ section }) => section === 'standing')
  const freezes = it.rules.filter(({ section }) => section === 'freeze')
  return layOut(
    [
      { text: answer(question, it), style: decision.allow ? 'good' : 'bad' },
      empty,
      fact('who', askerText(who)),
      fact('request', `${method} ${path} on ${service}`),
      fact('at', momentText(now)),
      ...(page === undefined ? [] : [fact('paged', pageText(page))]),
      ...(viewAge === 0 ? [] : [fact('passes', `as they were known ${exactDuration(viewAge)} ago`)]),
      ...(reason === undefined ? [] : [fact('reason', `${reason} (${reasons[reason].status})`)]),
      ...(route === undefined ? [] : [fact('tier', `${route.tier}, by ${route.pattern}`, route.where)]),
      ...(by === undefined ? [] : [fact('rule', by.id, by.where)]),
      fact('rules', shortHash(rules.hash)),
      ...title('What was tested'),
      ...conditionRows(it.conditions),
      ...it.passes.flatMap(passRows),
      ...(standing.length === 0 ? [] : [...title('Rules that need no pass'), ...ruleRows(standing)]),
      ...(freezes.length === 0 ? [] : [...title('Freezes'), ...ruleRows(freezes)]),
      ...(it.asking === undefined || decision.allow ? [] : askRows(it.asking)),
      ...(it.paging === undefined || (decision.allow && page === undefined)
        ? []
        : pageRows(it.paging, page !== undefined)),
      ...(it.mends.length === 0 ? [] : [...title('What would have to change'), ...mendRows(it.mends)]),
    ],
    colours,
  )
}

const passKinds = {
  page: 'by a page',
  request: 'asked for by hand',
  command: 'by an incident’s commander',
  'break-glass': 'by break-glass',
} as const

const passRows = ({ tier, kind, conditions }: PassChecked): Row[] => [
  ...title(`The pass: ${tier}, ${passKinds[kind]}`),
  ...conditionRows(conditions),
]

const answer = ({ service, method }: Question, { decision, by }: Explanation): string => {
  if (decision.allow) {
    const how = isStanding(decision.held)
      ? `by ${by?.id}, without a pass`
      : `by a pass of ${decision.held.grant.tier}${by === undefined ? '' : ` (${by.id})`}`
    return `allowed: ${decision.tier.name} on ${service}, ${how}`
  }
  const needs = decision.needs?.name
  switch (decision.reason) {
    case 'grant-missing':
      return `refused: no pass for ${service}`
    case 'tier-too-low':
      return `refused: the pass for ${service} does not reach ${needs}`
    case 'tier-none':
      return `refused: no tier of ${service} allows this`
    case 'grant-beyond-rules':
      return `refused: the rules don’t give this pass for ${service}`
    case 'frozen':
      return `refused: ${needs} on ${service} is frozen`
    case 'sign-in-needed':
      return `refused: ${needs} on ${service} needs another sign-in`
    case 'view-stale':
      return `refused: what is known of passes for ${service} is too old`
    case 'service-unknown':
      return `refused: there is no service ${service}`
    case 'target-not-canonical':
      return 'refused: the path can be read in more than one way'
    case 'method-not-allowed':
      return `refused: ${method} is not forwarded`
    default:
      return `refused: ${reasons[decision.reason].person}`
  }
}

/** What would be given, in a few words: `a pass for 1h, at once`. */
const givenText = (decision: AccessDecision): string => {
  if (!decision.give) return `nothing: ${decision.refusal.reason}`
  const { state, tier, duration, approvers, doubt } = decision.proposal
  const pass = `${tier} for ${exactDuration(duration)}`
  const why = doubt === undefined ? '' : ` (${doubt})`
  if (state === 'active') return `${pass}, at once`
  if (state === 'offered') return `${pass}, as an offer to take${why}`
  const count = approvers?.count ?? 1
  return `${pass}, when ${count} of ${oneOf(approvers?.from ?? [])} ${count === 1 ? 'has' : 'have'} approved${why}`
}

const askRows = ({ tier, decision, rules, conditions }: AskExplanation): Row[] => [
  ...title(`Asking for ${tier} now gives ${givenText(decision)}`),
  ...conditionRows(conditions.filter(({ held }) => !held)),
  ...ruleRows(rules),
]

const pageRows = ({ page, decision, rules, conditions }: PageExplanation, isPaged: boolean): Row[] => [
  ...title(`${isPaged ? 'The page gives' : 'A page would give'} ${givenText(decision)}`),
  ...(isPaged ? [] : [{ text: `  supposing ${pageText(page)}` }]),
  ...conditionRows(conditions.filter(({ held }) => !held)),
  ...ruleRows(rules),
]

/** What somebody may ask for on a service, and what a page gives them there, for people. */
export const serviceText = (
  { who, service, now, page }: Pick<Question, 'who' | 'service' | 'now' | 'page'>,
  { asking, paging, freezes }: ServiceExplanation,
  colours: boolean,
): string => {
  const may = asking.flatMap(({ decision, tier }) => (decision.give && tier !== undefined ? [tier] : []))
  return layOut(
    [
      {
        text:
          may.length === 0
            ? `${who.subject} may ask for nothing on ${service}`
            : `${who.subject} may ask for ${oneOf(may)} on ${service}`,
        style: may.length === 0 ? 'bad' : 'good',
      },
      empty,
      fact('who', askerText(who)),
      fact('at', momentText(now)),
      ...(page === undefined ? [] : [fact('paged', pageText(page))]),
      ...(freezes.length === 0 ? [] : [...title('Freezes that hold now'), ...ruleRows(freezes)]),
      ...asking.flatMap((one) => [
        ...askRows(one),
        ...(one.decision.give ? [{ text: `  → ${one.command}` }] : mendRows(one.mends)),
      ]),
      ...pageRows(paging, page !== undefined),
    ],
    colours,
  )
}
