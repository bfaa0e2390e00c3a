/** The one name of our cookie. Its prefix keeps it from other hosts, and other hosts from setting it (RFC 6265bis 4.1.3.2). */
export const sessionCookie = '__Host-pagepass'

/** Browsers keep a few hundred per host. To look at one for every two bytes of a header takes too long. */
const mostPairs = 1_000

export type Taken = {
  readonly session: string
  /** What is left of the header for the service, byte for byte; empty where nothing is. */
  readonly rest: string
}

/**
 * Takes our cookie out of a `Cookie` header, which is read as browsers write it (RFC 6265bis 5.8.3): pairs between `;`,
 * where quotes mean nothing and a name is what it is, in its one case. `undefined` where it holds none of ours, `ambiguous`
 * where it holds two, one that servers read in more than one way, or more than anybody has.
 */
export const takeSession = (header: string): Taken | 'ambiguous' | undefined => {
  if (!header.includes(sessionCookie)) return undefined
  const pairs = header.split(';', mostPairs + 1)
  if (pairs.length > mostPairs) return 'ambiguous'
  let at = -1
  let session = ''
  for (let index = 0; index < pairs.length; index += 1) {
    const value = valueOfOurs(pairs[index] as string)
    if (value === undefined) continue
    if (value === 'ambiguous' || at !== -1) return 'ambiguous'
    at = index
    session = value.text
  }
  if (at === -1) return undefined
  pairs.splice(at, 1)
  const rest = pairs.join(';')
  return { session, rest: at === 0 ? rest.replace(leadingSpace, '') : rest }
}

/** Nothing else is space: some servers take away more of it, and others would see another name (U+00A0, UTF-8). */
const leadingSpace = /^[ \t]+/

const valueOfOurs = (pair: string): { readonly text: string } | 'ambiguous' | undefined => {
  if (!pair.includes(sessionCookie)) return undefined
  const text = pair.replace(leadingSpace, '')
  if (!text.startsWith(sessionCookie)) return undefined
  const after = text.slice(sessionCookie.length)
  if (after.startsWith('=')) return { text: after.slice(1) }
  // No `=`, or space in front of it: a cookie without a name to some, ours to others.
  return /^[ \t]*(?:=|$)/.test(after) ? 'ambiguous' : undefined
}
