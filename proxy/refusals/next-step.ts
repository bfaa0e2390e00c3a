import type { Told } from './told.ts'

/** What somebody can do about a refusal, besides asking by the command: a sentence or two. Undefined where it is nothing. */
export const nextStep = ({ status, reason, needs, mend, retryAfter }: Told): string | undefined => {
  if (mend !== undefined) return mend
  if (retryAfter !== undefined)
    return `Try again in ${retryAfter === 1 ? 'a second' : `${retryAfter} seconds`}.`
  if (reason === 'origin-foreign')
    return 'Nothing was forwarded. Open the address itself in a tab, with a browser that is up to date. Programs send a token in place of the cookie.'
  if (reason.startsWith('break-glass') && reason !== 'break-glass-none' && status === 403)
    return 'Have a pass signed that holds here: pagepass break-glass sign. The one that came with the request is in no way used up.'
  switch (status) {
    case 400:
      return 'Nothing was forwarded. Send it in the usual spelling.'
    case 401:
      return 'Send an access token of your identity provider with the request: “Authorization: Bearer …”, or “X-Pagepass-Authorization: Bearer …” where the service needs the first for itself.'
    case 404:
    case 421:
      return 'Check the address.'
    case 502:
    case 504:
      return 'You were let through; the fault is behind Pagepass. Its owners may know more.'
    default:
      return reason === 'tier-none' || needs === undefined ? 'No pass changes that.' : undefined
  }
}
