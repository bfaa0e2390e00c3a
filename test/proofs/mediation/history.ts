/** What happened, in plain values: all that the oracle knows. Times are milliseconds. */

export type Pass = {
  readonly id: string
  readonly version: number
  readonly environment: string
  readonly state: 'offered' | 'pending' | 'active'
  readonly subject: string
  readonly services: readonly string[]
  readonly tier: string
  readonly from: number
  readonly until: number
  /** A page of this incident led to it, and which doubt there was about that. */
  readonly page: { readonly incident: string; readonly doubt?: 'page-by-self' | 'page-late' } | undefined
  /** Somebody's hand made this version of it. */
  readonly byHand: boolean
  /** When this version was made. */
  readonly at: number
  readonly approvals: readonly { readonly subject: string; readonly teams: readonly string[] }[]
}

export type Token = {
  readonly number: number
  /** Signed by the provider, and for us. */
  readonly genuine: boolean
  readonly subject: string
  readonly groups: readonly string[]
  readonly acr: string | undefined
  readonly signedInAt: number | undefined
  readonly expires: number
}

/** A pass that was signed offline, which comes with a request. */
export type Glass = {
  readonly number: number
  readonly environment: string
  readonly subject: string
  readonly services: readonly string[]
  readonly tier: string
  readonly from: number
  readonly until: number
  /** Names of keys, each once. */
  readonly signers: readonly string[]
  /** The signature of the first of them is over something else. */
  readonly forged: boolean
}

/** What PagerDuty said at a time: every incident is as it was told, but these, which it confirmed last at the time beside. */
export type Word = {
  readonly at: number
  readonly except: readonly { readonly incident: string; readonly at: number }[]
}

export type Happened =
  | { readonly kind: 'signed in'; readonly token: Token }
  | { readonly kind: 'grant'; readonly pass: Pass; readonly genuine: boolean }
  /** Somebody put the signed statement of an older version, or of what has ended, behind the events. */
  | { readonly kind: 'replayed'; readonly pass: Pass }
  | { readonly kind: 'end'; readonly id: string; readonly version: number; readonly genuine: boolean }
  /** A head that was signed then. */
  | { readonly kind: 'head'; readonly at: number }
  | { readonly kind: 'confirmed'; readonly word: Word; readonly toldAt: number }
  | { readonly kind: 'glass'; readonly glass: Glass }
  | { readonly kind: 'locked' | 'unlocked'; readonly subject: string }
  /** The proxy hears nothing more, and then all of it, as it is by then. */
  | { readonly kind: 'cut off' | 'in step' }
  /** By the rule set of this number. */
  | { readonly kind: 'restarted'; readonly world: number }

export type Asked = {
  /** The number of a token. */
  readonly token: number
  /** The number of a pass that was signed offline, where one came with it. */
  readonly glass?: number
  readonly service: string
  readonly method: string
  readonly path: string
  readonly now: number
}
