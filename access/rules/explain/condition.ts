/** Something that was tested, in words that are true where it held. `where` is what demands it: `access.yaml:40`. */
export type Condition = { readonly what: string; readonly held: boolean; readonly where?: string }

/** A rule that was looked at, in the order in which the decisions look at them. */
export type RuleChecked = {
  readonly section: 'standing' | 'freeze' | 'on_request' | 'on_page'
  readonly id: string
  readonly where: string
  /** What it does where it fits, in a few words. */
  readonly does: string
  readonly conditions: readonly Condition[]
  /** Whether all of its conditions hold. */
  readonly fits: boolean
  /** Whether it is the first that fits: the others no longer count. */
  readonly decides: boolean
}

/** What would have to change, as a sentence; `next` is what follows on it, `where` the line that says so. */
export type Mend = { readonly say: string; readonly next?: string; readonly where?: string } & (
  | { readonly kind: 'belong'; readonly sets: readonly string[] }
  | { readonly kind: 'ask'; readonly tier: string; readonly state: 'active' | 'pending' }
  | { readonly kind: 'page'; readonly tier: string }
  /** The commander of an incident, who is of these sets of people, can add them to it. */
  | { readonly kind: 'command'; readonly tier: string; readonly sets: readonly string[] }
  | { readonly kind: 'wait'; readonly until: number }
  | { readonly kind: 'sign in'; readonly acr?: string; readonly maxAge?: number }
  /** What is asked for would have to be another thing: path, time, reason. */
  | { readonly kind: 'request' }
  /** The account would have to be as it should. */
  | { readonly kind: 'account' }
  /** The process that decides would have to hear of changes again. */
  | { readonly kind: 'hear' }
  /** The rule set would have to say something else. */
  | { readonly kind: 'rules' }
)

export const condition = (what: string, held: boolean, where?: string): Condition =>
  where === undefined ? { what, held } : { what, held, where }

export const allHold = (conditions: readonly Condition[]): boolean => conditions.every(({ held }) => held)

/** Marks the first rule that fits. */
export const inOrder = (rules: readonly Omit<RuleChecked, 'fits' | 'decides'>[]): RuleChecked[] => {
  const first = rules.findIndex(({ conditions }) => allHold(conditions))
  return rules.map((rule, index) => ({
    ...rule,
    fits: allHold(rule.conditions),
    decides: index === first,
  }))
}
