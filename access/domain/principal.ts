/** Who asks. Keyed by (issuer, subject) of an identity provider, never by e-mail or Slack id. */
export type Principal = { readonly issuer: string; readonly subject: string }

/** One string per principal. An issuer is a URL and holds no space, so two principals never share a key. */
export const principalKey = (principal: Principal): string => `${principal.issuer} ${principal.subject}`

/** A person as the directory knows them. */
export type Person = Principal & {
  readonly name: string
  readonly groups: readonly string[]
  readonly active: boolean
  readonly slack?: { readonly team: string; readonly user: string }
  readonly pagerduty?: { readonly account: string; readonly user: string }
}
