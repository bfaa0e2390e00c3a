import type { SoundRuleSet } from './parse-rule-set.ts'
import { inOrderOfPlace, type RuleSetFault } from './rule-file.ts'
import { impossibleApprovals, unnamedApprovers } from './warnings/approvers.ts'
import { dangerousPatterns, widePatterns } from './warnings/dangerous-patterns.ts'
import { ended } from './warnings/ended.ts'
import { type Finding, type Looked, type WarningKind, warningLevels } from './warnings/finding.ts'
import { literalParameters } from './warnings/literal-parameters.ts'
import { notEnforced } from './warnings/not-enforced.ts'
import { oneKeyBreaksGlass } from './warnings/one-key.ts'
import { unreachableServices, unreachableTiers } from './warnings/out-of-reach.ts'
import { leftOutLevels, unnamedPagerDuty, untrustedTriggers } from './warnings/pages.ts'
import { shadowedRules } from './warnings/shadowed-rules.ts'
import { standingPast } from './warnings/standing-past.ts'
import { approvalsWithoutSignIn } from './warnings/step-up.ts'
import { stricterFirst } from './warnings/stricter-first.ts'
import { looserTerms } from './warnings/terms-looser.ts'
import { unreachablePatterns } from './warnings/unreachable-patterns.ts'
import { samePeople, unused } from './warnings/unused.ts'

/** Something odd about a sound rule set: where, what, and how to mend it. `kind` stays the same when the words change. */
export type RuleSetWarning = RuleSetFault & {
  readonly kind: WarningKind
  readonly level: 'warning' | 'note'
}

const looks: readonly ((looked: Looked) => readonly Finding[])[] = [
  dangerousPatterns,
  widePatterns,
  unreachablePatterns,
  literalParameters,
  shadowedRules,
  stricterFirst,
  samePeople,
  unreachableServices,
  unreachableTiers,
  unnamedApprovers,
  impossibleApprovals,
  approvalsWithoutSignIn,
  oneKeyBreaksGlass,
  looserTerms,
  standingPast,
  leftOutLevels,
  untrustedTriggers,
  unnamedPagerDuty,
  notEnforced,
  unused,
  ended,
]

/**
 * What somebody who wrote this rule set probably did not mean, in the order of its files. `now` is in milliseconds since
 * the epoch.
 */
export const warningsOf = (
  { rules, source, placeOf }: SoundRuleSet,
  now: number,
): readonly RuleSetWarning[] => {
  const looked = { rules, source, now }
  // What services share is said once, however many of them it is about.
  const once = new Map<string, RuleSetWarning>()
  for (const { kind, path, part, what } of looks.flatMap((look) => look(looked))) {
    const id = JSON.stringify([path, what])
    if (!once.has(id)) once.set(id, { ...placeOf(path, part), kind, level: warningLevels[kind], what })
  }
  return [...once.values()].sort(inOrderOfPlace)
}
