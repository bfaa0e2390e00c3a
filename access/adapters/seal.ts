import { CompactSign, type CryptoKey, compactVerify, decodeProtectedHeader } from 'jose'
import { z } from 'zod'
import { Fault } from '../domain/errors.ts'
import { shortHash } from '../domain/short-hash.ts'

/** What a seal says: this rule set, for this environment, was written by one person and read by another. */
export type Seal = {
  /** The rules hash. */
  readonly rules: string
  readonly environment: string
  readonly author: string
  /** Who sealed it: the name of the key, not of the body. */
  readonly signer: string
  /** When, in milliseconds. */
  readonly at: number
}

/** Whoever may seal, by a key that is trusted under this name. One person may have several. */
export type Signer = { readonly name: string; readonly key: CryptoKey }

/**
 * A seal is a compact JWS (RFC 7515) with Ed25519 (RFC 8037), as statements are, but with a `typ` of its own and keys that
 * no process holds: its `kid` is the name of the signer.
 */
const typ = 'pagepass-rules-seal+jws'
const bodyShape = z.strictObject({
  v: z.literal(1),
  rules: z.string().regex(/^[0-9a-f]{64}$/),
  environment: z.string().min(1),
  author: z.string().min(1),
  at: z.int(),
})

/** Seals a rule set. Faults with `rules/seal-invalid` where author and signer are one person. */
export const sealOf = async (
  { rules, environment, author, at }: Omit<Seal, 'signer'>,
  signer: Signer,
): Promise<string> => {
  if (isSamePerson(author, signer.name)) {
    throw new Fault('rules/seal-invalid', `${author} wrote this rule set, so ${signer.name} can't seal it`, {
      mend: 'have somebody else read and seal it; name its author with --author where git names another',
    })
  }
  const body = bodyShape.parse({ v: 1, rules, environment, author, at })
  return new CompactSign(new TextEncoder().encode(JSON.stringify(body)))
    .setProtectedHeader({ alg: 'EdDSA', typ, kid: signer.name })
    .sign(signer.key)
}

export type Checked =
  | { readonly seal: Seal }
  /** What is wrong with it, in words, and what a person can do. */
  | { readonly what: string; readonly mend: string }

/** Whether a seal holds for this rule set. Rejects never. */
export const checkSeal = async (
  text: string,
  expected: { readonly hash: string; readonly environment: string },
  signers: readonly Signer[],
): Promise<Checked> => {
  const kid = kidOf(text)
  if (kid === undefined) return { what: 'it is no seal of a rule set', mend: again }
  const keys = signers.filter(({ name }) => name === kid)
  if (keys.length === 0) {
    const known = [...new Set(signers.map(({ name }) => name))].join(', ')
    return {
      what: `${JSON.stringify(kid)} signed it, who is not among those who may: ${known}`,
      mend: 'have one of them seal it, or add the public key to the file that PAGEPASS_RULES_KEYS names',
    }
  }
  const payload = await payloadOf(text, keys)
  if (payload === undefined)
    return { what: `the signature is not that of ${kid}: the seal or the key was changed`, mend: again }
  const body = bodyShape.safeParse(payload)
  if (!body.success) return { what: `${kid} signed something else than a seal`, mend: again }
  const { rules, environment, author, at } = body.data
  if (environment !== expected.environment)
    return {
      what: `it is for environment "${environment}", and the rule set is for "${expected.environment}"`,
      mend: again,
    }
  if (rules !== expected.hash)
    return {
      what: `it is for the rules hash ${shortHash(rules)}…, and the rule set has ${shortHash(expected.hash)}…: what was sealed was changed afterwards`,
      mend: 'read what was changed, then have it sealed anew: pagepass rules seal',
    }
  if (isSamePerson(author, kid))
    return { what: `${author} wrote the rule set and sealed it too`, mend: 'have somebody else seal it' }
  return { seal: { rules, environment, author, signer: kid, at } }
}

const again = 'have it sealed anew by somebody else than its author: pagepass rules seal'

const kidOf = (text: string): string | undefined => {
  try {
    const header = decodeProtectedHeader(text)
    return header.typ === typ ? header.kid : undefined
  } catch {
    return undefined
  }
}

/** What was signed by one of the keys; undefined where none of them did. */
const payloadOf = async (text: string, signers: readonly Signer[]): Promise<unknown> => {
  for (const { key } of signers) {
    try {
      const { payload } = await compactVerify(text, key, { algorithms: ['EdDSA'] })
      return JSON.parse(new TextDecoder().decode(payload)) as unknown
    } catch {
      // Another key of the same name may have signed it.
    }
  }
  return undefined
}

/**
 * Whether two names may be of one person: they share the name, the e-mail address or what stands before its @, however
 * its words are set apart or joined. Names are what people say of themselves: this is against haste, and the key's own keeper
 * against the rest.
 */
export const isSamePerson = (one: string, other: string): boolean => {
  const names = namesIn(other)
  return [...namesIn(one)].some((name) => names.has(name))
}

/** `Ana Lima <ana.l+git@example.com>` is analima, anal+git@examplecom, anal+git and anal. */
const namesIn = (text: string): Set<string> => {
  const plain = text.normalize('NFKC').toLowerCase().replaceAll(/\s+/g, ' ').trim()
  const [, name = plain, address = ''] = /^(.*?)\s*<([^<>]*)>$/.exec(plain) ?? []
  const names = [name, address].flatMap((one) => {
    const local = one.split('@')[0] ?? ''
    // GitHub's address of those who hide theirs: 12345+login@users.noreply.github.com.
    const login = local.replace(/^\d+\+/, '')
    return [one, local, withoutTag(local), login, withoutTag(login)]
  })
  return new Set(names.map(joined).filter((one) => one !== ''))
}

const withoutTag = (local: string): string => local.replace(/\+.*$/, '')
const joined = (name: string): string => name.replaceAll(/[\s._-]+/g, '')
