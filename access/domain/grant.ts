import { z } from 'zod'

const principal = z.strictObject({ issuer: z.string(), subject: z.string(), name: z.string() })

/** Why a page did not give its pass at once, but offered it or put it before others (reason codes). */
export const doubts = [
  'page-no-rule',
  'page-by-self',
  'page-untrusted',
  'page-needs-approval',
  'page-late',
  'page-too-often',
  'page-by-hand-over',
  'page-by-override',
] as const
export type Doubt = (typeof doubts)[number]

/** Why a grant was given. `rule` is the id of the rule within the rule set named by the grant's `rules`. */
const why = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('page'),
    rule: z.string(),
    incident: z.strictObject({ id: z.string(), number: z.int(), title: z.string() }),
    /** The incident that was merged into this one: no assignment of this one holds the grant. */
    mergedFrom: z.string().optional(),
    /** Passes that are handed over: they end when this is access. */
    handedFrom: z.array(z.string()).min(1).optional(),
    /** It came with their shift: whose was over then. Their passes of the incident end once this one is used. */
    relieves: z.array(principal).max(20).optional(),
    doubt: z.enum(doubts).optional(),
  }),
  z.strictObject({ kind: z.literal('request'), rule: z.string(), reason: z.string().optional() }),
  /** The commander of an incident added its holder, and is among those who approved it. */
  z.strictObject({
    kind: z.literal('command'),
    rule: z.string(),
    incident: z.strictObject({ id: z.string(), number: z.int(), title: z.string() }),
    mergedFrom: z.string().optional(),
    commander: principal,
    /** Names all that they added with it. */
    go: z.string(),
    /** The services that the incident is about: their channels are told, too. */
    about: z.array(z.string()),
    reason: z.string().optional(),
  }),
  z.strictObject({
    kind: z.literal('break-glass'),
    rule: z.string(),
    reason: z.string(),
    /** Of a pass that was signed offline, and that nobody stores: the names of the keys. */
    keys: z.array(z.string()).min(1).optional(),
    /** Of a pass that the bot gave: the fresh sign-in, as the identity provider signed it. */
    signIn: z.string().max(8_192).optional(),
  }),
])

/** What brings a new version of a grant (`grant-transitions.ts`). */
export const grantSteps = [
  'given',
  'offered',
  'asked',
  'taken',
  'endorsed',
  'approved',
  'extended',
  'shortened',
  'restored',
  'moved',
] as const
export type GrantStep = (typeof grantSteps)[number]

/** The states with a signed grant. The others are signed ends. */
export const liveStates = ['offered', 'pending', 'active'] as const
export type LiveState = (typeof liveStates)[number]

/**
 * A grant as it is signed. Times are milliseconds since the epoch; `from` is included, `until` is not: how long it
 * stands in its state. Only an `active` one is access. In messages to people a grant is a *pass*.
 */
export const grantShape = z.strictObject({
  id: z.string().regex(/^[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4}$/),
  version: z.int().min(1),
  environment: z.string(),
  state: z.enum(liveStates),
  /** The step that led to this version, and who took it where a person did. */
  step: z.enum(grantSteps),
  by: principal.optional(),
  who: principal,
  services: z.array(z.string()).min(1),
  tier: z.string(),
  /** What it opens beside, each under a tier of its own. No service is named twice. */
  also: z
    .array(z.strictObject({ services: z.array(z.string()).min(1), tier: z.string() }))
    .min(1)
    .optional(),
  from: z.int(),
  until: z.int(),
  /** How long it is access once it is active, in milliseconds. */
  duration: z.int().min(1),
  /** When it is to begin, where it was asked for ahead, and by whose clocks that was said (an IANA time zone). */
  begins: z.strictObject({ at: z.int(), zone: z.string().max(64) }).optional(),
  why,
  /** Who may decide on a `pending` one: names of sets of people, and how many people it takes. */
  approvers: z
    .strictObject({
      from: z.array(z.string()).min(1),
      count: z.int().min(1),
      /** Each has to come from another of the sets. */
      distinct: z.literal(true).optional(),
      /** From when on others may decide, too, because nobody has. */
      escalate: z.strictObject({ at: z.int(), to: z.array(z.string()).min(1) }).optional(),
    })
    .optional(),
  /** Who approved it. `teams` are those of the sets that they belonged to, `scope` is what they approved (`scope.ts`). */
  approvals: z
    .array(
      z.strictObject({
        ...principal.shape,
        at: z.int(),
        teams: z.array(z.string()),
        scope: z.string().optional(),
        /** The ID token of their sign-in for this very scope. */
        signIn: z.string().max(8_192).optional(),
      }),
    )
    .optional(),
  /** How often it was extended by hand. */
  extended: z.int().min(1).optional(),
  /** Its incident let go of it: it ends early for this cause. `was` is when it would have ended. */
  ending: z
    .strictObject({
      cause: z.enum(['incident over', 'handed over']),
      was: z.int(),
      /** When the incident let go of it. */
      at: z.int(),
      /** Whether its holder may keep it: nobody but an integration said that the incident is over. */
      keepable: z.boolean(),
      /** Whoever took over, where a shift had changed. The incident may well be assigned to its holder still. */
      to: principal.optional(),
    })
    .optional(),
  /** Its holder kept it when an integration resolved the incident. */
  kept: z.literal(true).optional(),
  /** Of a version by somebody's hand: when the last before it was made that followed from what PagerDuty had just said. */
  followed: z.int().optional(),
  /** Random; what is written into buttons is derived from it (`button.ts`). */
  nonce: z.string().regex(/^[A-Za-z0-9_-]{22,64}$/),
  rules: z.string(),
  at: z.int(),
})

export type Grant = z.output<typeof grantShape>
export type By = z.output<typeof principal>

export const endCauses = [
  'expired',
  'revoked',
  'incident over',
  'handed over',
  'superseded',
  'denied',
  'withdrawn',
  'lapsed',
  'locked',
] as const
export type EndCause = (typeof endCauses)[number]

/** The signed end of a grant. It beats every version of the grant it names. */
export const endShape = z.strictObject({
  id: grantShape.shape.id,
  version: z.int().min(2),
  environment: z.string(),
  /** `refused` when it never was access. */
  state: z.enum(['ended', 'refused']),
  cause: z.enum(endCauses),
  by: principal.optional(),
  at: z.int(),
})

export type End = z.output<typeof endShape>

/** The incident that a grant stands because of; undefined where none. */
export const incidentOf = ({ why }: Pick<Grant, 'why'>) => ('incident' in why ? why.incident : undefined)

/** The incident that it stood because of before that one was merged; undefined where none. */
export const mergedFromOf = ({ why }: Pick<Grant, 'why'>): string | undefined =>
  'mergedFrom' in why ? why.mergedFrom : undefined

/** What all that a commander gave in one go is kept together under. */
export const occasionOfGo = (go: string): string => `go-${go}`

/**
 * When PagerDuty's word last led to a version of it: nobody's hand makes that newer, nor takes it away. Undefined where it
 * never did.
 */
export const followedAt = ({ why, by, at, followed }: Pick<Grant, 'why' | 'by' | 'at' | 'followed'>) =>
  why.kind === 'page' && by === undefined ? at : followed

/** What a grant's uses are told under in messages: its incident, or itself. */
export const occasionOf = (grant: Grant): string => incidentOf(grant)?.id ?? grant.id

/** The fresh sign-ins that a grant carries: of whoever approved it, or broke the glass. */
export const signInsOf = ({ why, approvals = [] }: Pick<Grant, 'why' | 'approvals'>): readonly string[] => [
  ...approvals.flatMap(({ signIn }) => signIn ?? []),
  ...(why.kind === 'break-glass' && why.signIn !== undefined ? [why.signIn] : []),
]
