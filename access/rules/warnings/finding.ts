import type { RuleSet } from '../../domain/rule-set.ts'
import type { Part } from '../rule-file.ts'
import type { RuleSetSource } from '../source.ts'
import type { YamlPath } from '../yaml/read-yaml.ts'

/** What a sound rule set may be warned of. A note is for reading; a warning is for mending. */
export const warningLevels = {
  'reads-too-much': 'warning',
  'does-more-than-read': 'warning',
  'everything-in-lowest': 'warning',
  'reads-everything': 'note',
  'pattern-unreachable': 'warning',
  'pattern-within': 'note',
  'pattern-twice': 'note',
  'parameter-literal': 'warning',
  'rule-shadowed': 'warning',
  'stricter-first': 'note',
  'people-twice': 'note',
  'service-unreachable': 'warning',
  'tier-unreachable': 'warning',
  'approvers-unnamed': 'warning',
  'approvers-gone': 'warning',
  'approvers-too-few': 'warning',
  'approvers-only-self': 'warning',
  'approvals-without-sign-in': 'warning',
  'one-key-breaks-glass': 'warning',
  'terms-looser': 'warning',
  'standing-past-demands': 'warning',
  'levels-left-out': 'warning',
  'triggers-untrusted': 'warning',
  'pagerduty-unnamed': 'warning',
  'pagerduty-unnamed-for-all': 'note',
  'not-enforced': 'note',
  'people-unused': 'note',
  'workload-unused': 'note',
  'profile-unused': 'note',
  'label-unused': 'note',
  'people-ended': 'warning',
  'people-ending': 'note',
  'freeze-over': 'note',
} as const satisfies Readonly<Record<string, 'warning' | 'note'>>

export type WarningKind = keyof typeof warningLevels

/** What a warning found: where it stands, what is odd there and how to mend it. */
export type Finding = {
  readonly kind: WarningKind
  readonly path: YamlPath
  readonly part?: Part
  readonly what: string
}

/** What warnings look at. `now` is in milliseconds since the epoch. */
export type Looked = { readonly rules: RuleSet; readonly source: RuleSetSource; readonly now: number }
