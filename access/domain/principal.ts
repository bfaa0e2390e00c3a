/** Who asks. Keyed by (issuer, subject) of an identity provider, never by e-mail or Slack id. */
export type Principal = { readonly issuer: string; readonly subject: string }

/** One string per principal. An issuer is a URL and holds no space, so two principals never share a key. */
export const principalKey = (principal: Principal): string => `${principal.issuer} ${principal.subject}`

/** What rules go by: who it is, and the groups and roles that the identity provider gives them. */
export type Claims = Principal & {
  readonly groups: readonly string[]
  readonly roles?: readonly string[] | undefined
}

/** Who a token proves. */
export type Proven = Claims & {
  /** `principalKey` of them. */
  readonly principal: string
  /** How they signed in (OpenID Connect `acr`), and when (`auth_time`, in milliseconds), where the token says so. */
  readonly acr?: string | undefined
  readonly signedInAt?: number | undefined
}

/** A person as the directory knows them. */
export type Person = Claims & {
  readonly name: string
  readonly active: boolean
  /** They would be active, if they were not locked out. */
  readonly locked?: true | undefined
  /** By whose clocks they say times: an IANA time zone. */
  readonly zone?: string | undefined
  readonly slack?: { readonly team: string; readonly user: string }
  readonly pagerduty?: { readonly account: string; readonly user: string }
}
