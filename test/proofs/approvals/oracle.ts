/*
 * Who may approve what, said as naively as it can be, over plain facts: nothing of the product is used. Time is milliseconds.
 */

export type Account = {
  readonly issuer: string
  readonly subject: string
  readonly groups: readonly string[]
  readonly active: boolean
  /** Their Slack user, in the one workspace that counts. */
  readonly slack: string | undefined
}
export type Clicked = { readonly team: string; readonly user: string }
export type Terms = {
  readonly issuer: string
  readonly team: string
  /** Set of people → group. */
  readonly sets: Readonly<Record<string, string>>
  /** The sets whose people may ask. */
  readonly askers: readonly string[]
  readonly count: number
  readonly from: readonly string[]
  readonly distinct: boolean
}
export type State = 'pending' | 'active' | 'over'

type Approval = { readonly who: string; readonly sets: readonly string[] }

/** How soon after the approval a denial still beats it. */
const tieMs = 5_000

const keyOf = ({ issuer, subject }: Account): string => `${issuer} ${subject}`

export const createOracle = (
  terms: Terms,
  asker: Account,
  {
    lapsesAt,
    beginsAt,
    lasts,
  }: { readonly lapsesAt: number; readonly beginsAt?: number | undefined; readonly lasts: number },
) => {
  let state: State = 'pending'
  let approvals: readonly Approval[] = []
  let approvedAt = Number.NaN
  let until = lapsesAt

  const setsOf = (account: Account, among: readonly string[]): string[] =>
    account.issuer === terms.issuer
      ? among.filter((set) => account.groups.includes(terms.sets[set] ?? ''))
      : []

  /** The best that these can be told apart by: each way to give everybody one of their sets is tried. */
  const worth = (all: readonly Approval[]): number => {
    if (!terms.distinct) return all.length
    const [one, ...others] = all
    if (one === undefined) return 0
    const without = worth(others)
    const taking = one.sets.map((set) => {
      const left = others.map(({ who, sets }) => ({ who, sets: sets.filter((other) => other !== set) }))
      return 1 + worth(left.filter(({ sets }) => sets.length > 0))
    })
    return Math.max(without, ...taking)
  }

  const stillGiven = (directory: readonly Account[]): Approval[] =>
    approvals.flatMap(({ who, sets }) => {
      const now = directory.find((account) => keyOf(account) === who)
      const still = now?.active === true ? setsOf(now, sets) : []
      return still.length === 0 ? [] : [{ who, sets: still }]
    })

  const clicker = (directory: readonly Account[], { team, user }: Clicked): Account | undefined =>
    team === terms.team ? directory.find(({ slack }) => slack === user) : undefined

  const mayDecide = (account: Account | undefined): account is Account =>
    account?.active === true && keyOf(account) !== keyOf(asker) && setsOf(account, terms.from).length > 0

  const askerMay = (directory: readonly Account[]): boolean => {
    const now = directory.find((account) => keyOf(account) === keyOf(asker))
    return now?.active === true && setsOf(now, terms.askers).length > 0
  }

  const pass = (now: number): void => {
    if (state !== 'over' && now >= until) state = 'over'
  }

  return {
    approve: (directory: readonly Account[], by: Clicked, now: number): void => {
      pass(now)
      const account = clicker(directory, by)
      if (state !== 'pending' || !mayDecide(account) || !askerMay(directory)) return
      const before = stillGiven(directory)
      if (before.some(({ who }) => who === keyOf(account))) return
      const after = [...before, { who: keyOf(account), sets: setsOf(account, terms.from) }]
      if (worth(after) <= worth(before)) return
      approvals = after
      if (worth(after) < terms.count) return
      state = 'active'
      approvedAt = now
      until = Math.max(now, beginsAt ?? now) + lasts
    },
    deny: (directory: readonly Account[], by: Clicked, now: number): void => {
      pass(now)
      const account = clicker(directory, by)
      if (state === 'over' || (state === 'active' && now - approvedAt >= tieMs)) return
      if (mayDecide(account)) state = 'over'
    },
    /** What was asked for ahead begins. */
    begin: (directory: readonly Account[], now: number): void => {
      pass(now)
      if (state !== 'active' || beginsAt === undefined || now < beginsAt) return
      if (!askerMay(directory) || worth(stillGiven(directory)) < terms.count) state = 'over'
    },
    state: (now: number): State => {
      pass(now)
      return state
    },
    approvedBy: (): string[] => approvals.map(({ who }) => who).sort(),
  }
}
