import type { RouteTable } from '../../domain/route-index.ts'
import type { Tier } from '../../domain/tier.ts'
import type { Report } from '../rule-file.ts'
import type { RuleSetSource } from '../source.ts'
import type { KnownNames } from './known-names.ts'

/** What every part of compiling a rule set needs. */
export type Compiling = {
  readonly source: RuleSetSource
  readonly known: KnownNames
  readonly report: Report
  /** Where the patterns of all services are compiled to. */
  readonly table: RouteTable<Tier>
  /** What a rule of a section is called, and where it is written. */
  readonly ruleAt: (
    section: string,
    index: number,
    name: string | undefined,
  ) => { readonly id: string; readonly where: string }
}
