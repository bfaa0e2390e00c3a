import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import type { JWK } from 'jose'

/** A key that signs assertions, and how it is published. */
export type Signing = {
  readonly alg: 'EdDSA' | 'ES256'
  readonly kid: string
  readonly privateKey: KeyObject
  readonly jwk: JWK
}

export type CaseWorld = {
  readonly signing: Signing
  readonly issuer: string
  readonly service: string
  /** Seconds since 1970. */
  readonly now: number
}

/** What comes as `X-Pagepass-Assertion`, each one a header of its own, and whether a service may take it. */
export type Case = { readonly name: string; readonly sent: readonly string[]; readonly holds: boolean }

export const assertionType = 'pagepass-assertion+jwt'

type Fields = Readonly<Record<string, unknown>>
const encoded = (part: Fields): string => Buffer.from(JSON.stringify(part)).toString('base64url')
const joined = (header: Fields, claims: Fields): string => `${encoded(header)}.${encoded(claims)}`

const signed = (key: KeyObject, header: Fields, claims: Fields): string => {
  const input = joined(header, claims)
  const hash = key.asymmetricKeyType === 'ed25519' ? null : 'sha256'
  const signature = sign(hash, Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' })
  return `${input}.${signature.toString('base64url')}`
}

const headerOf = ({ alg, kid }: Signing): Fields => ({ alg, typ: assertionType, kid })
const claimsOf = ({ issuer, service, now }: Omit<CaseWorld, 'signing'>): Fields => ({
  iss: issuer,
  sub: 'idp-ana',
  aud: service,
  iat: now,
  exp: now + 90,
  name: 'Ana Lopes',
  grant: 'a-grant',
  tier: 'operate',
})

/** An assertion as the proxy mints it. */
export const anAssertion = (world: CaseWorld): string =>
  signed(world.signing.privateKey, headerOf(world.signing), claimsOf(world))

/** Every way in which something can look like an assertion and not be one. */
export const casesOf = (world: CaseWorld): readonly Case[] => {
  const { signing, service, now } = world
  const header = headerOf(signing)
  const claims = claimsOf(world)
  const good = anAssertion(world)
  const [head = '', body = '', signature = ''] = good.split('.')
  const by = (changed: Fields, header_: Fields = {}): string =>
    signed(signing.privateKey, { ...header, ...header_ }, { ...claims, ...changed })
  const without = (name: string): string => by({ [name]: undefined })

  const stranger = (signing.alg === 'EdDSA' ? generateKeyPairSync('ed25519') : p256()) satisfies Pair
  const strange = (header_: Fields): string => signed(stranger.privateKey, { ...header, ...header_ }, claims)
  const otherKind = signing.alg === 'EdDSA' ? p256() : generateKeyPairSync('ed25519')
  const otherAlg = signing.alg === 'EdDSA' ? 'ES256' : 'EdDSA'

  const publicKey = createPublicKey({ key: { ...signing.jwk }, format: 'jwk' })
  const bySecret = (secret: string | Buffer): string => {
    const input = joined({ ...header, alg: 'HS256' }, claims)
    return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
  }
  const unsigned = (alg: string): string => `${joined({ ...header, alg }, claims)}.`

  const refused: Readonly<Record<string, readonly string[]>> = {
    none: [],
    'an empty one': [''],
    'what is no token': ['ana'],
    'a bearer token': [`Bearer ${good}`],
    'a good one twice': [good, good],
    'a good one before a strange one': [good, strange({})],
    'a good one after a strange one': [strange({}), good],
    'two good ones in one header': [`${good}, ${good}`],
    'an expired one': [by({ iat: now - 180, exp: now - 60 })],
    'one that never expires': [without('exp')],
    'one whose expiry is no time': [by({ exp: 'soon' })],
    'one for another service': [by({ aud: 'payments-svc' })],
    'one for another service whose name begins like ours': [by({ aud: `${service}-2` })],
    'one for us and another service': [by({ aud: [service, 'payments-svc'] })],
    'one for nobody': [without('aud')],
    'one of another environment': [by({ iss: 'pagepass:staging' })],
    'one of nobody': [without('iss')],
    'one about nobody': [without('sub')],
    'one of another type': [by({}, { typ: 'at+jwt' })],
    'one of the type JWT': [by({}, { typ: 'JWT' })],
    'one of no type': [by({}, { typ: undefined })],
    'one without signature (alg none)': [unsigned('none')],
    'one without signature (alg NONE)': [unsigned('NONE')],
    'one without signature (alg as it should be)': [`${head}.${body}.`],
    'one whose signature is zeros': [`${head}.${body}.${Buffer.alloc(64).toString('base64url')}`],
    'one that was altered': [`${head}.${encoded({ ...claims, sub: 'idp-ben' })}.${signature}`],
    'HS256 with the bytes of the public key': [bySecret(Buffer.from(signing.jwk.x ?? '', 'base64url'))],
    'HS256 with the public key as PEM': [bySecret(publicKey.export({ type: 'spki', format: 'pem' }))],
    'HS256 with the public key as DER': [bySecret(publicKey.export({ type: 'spki', format: 'der' }))],
    'HS256 with the public key as JWK': [bySecret(JSON.stringify(signing.jwk))],
    'HS256 with an empty secret': [bySecret('')],
    'another key under the name of ours': [strange({})],
    'another key under a name that nobody knows': [strange({ kid: 'nobody' })],
    'another key without a name': [strange({ kid: undefined })],
    'another key that the token brings along': [
      strange({ jwk: stranger.publicKey.export({ format: 'jwk' }) }),
    ],
    'another key that the token says where to fetch': [strange({ jku: 'http://127.0.0.1:9/jwks.json' })],
    'a key of the other kind under the name of ours': [
      signed(otherKind.privateKey, { ...header, alg: otherAlg }, claims),
    ],
    'an algorithm that the key is not for': [joinedWith({ ...header, alg: otherAlg }, claims, signature)],
  }
  return [
    { name: 'a good one', sent: [good], holds: true },
    { name: 'one without a tier (standing access)', sent: [without('tier')], holds: true },
    ...Object.entries(refused).map(([name, sent]) => ({ name, sent, holds: false })),
  ]
}

type Pair = { readonly privateKey: KeyObject; readonly publicKey: KeyObject }
const p256 = (): Pair => generateKeyPairSync('ec', { namedCurve: 'P-256' })
const joinedWith = (header: Fields, claims: Fields, signature: string): string =>
  `${joined(header, claims)}.${signature}`
