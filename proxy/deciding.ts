import type { GlassBook } from '#access/domain/break-glass/book.ts'
import type { HeldGrant } from '#access/domain/held.ts'
import type { RuleSet } from '#access/domain/rule-set.ts'
import type { View } from '#access/domain/view.ts'
import type { Clock } from '#access/ports.ts'
import type { Assertions } from './assertions.ts'
import type { GrantUses } from './grant-uses.ts'
import type { Identities } from './identities.ts'
import type { ProveSignIns } from './identity/prove-sign-ins.ts'
import type { Records } from './records.ts'

/** What it takes to decide and to record, whether a request comes through this proxy or is asked about by another one. */
export type DecidingParts = {
  readonly rules: RuleSet
  readonly view: View
  readonly clock: Clock
  readonly identities: Identities
  readonly uses: GrantUses
  readonly records: Records
  readonly assertions: Assertions
  /** The passes that were signed offline, and presented here. */
  readonly glass: GlassBook
  readonly nextId: () => string
  readonly alarm: (what: string, facts: Record<string, unknown>) => void
  /** Looks at the sign-ins that grants carry. False where nobody can say now. */
  readonly proveSignIns: ProveSignIns
  /** Whether a held grant's signature holds. */
  readonly prove: (held: HeldGrant) => Promise<boolean>
}
