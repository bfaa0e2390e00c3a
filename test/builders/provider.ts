import {
  constants,
  createHmac,
  generateKeyPairSync,
  type KeyObject,
  sign as signBytes,
  type webcrypto,
} from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type SigningKey = {
  readonly privateKey: KeyObject
  readonly alg: string
  /** As it is published. */
  readonly jwk: webcrypto.JsonWebKey & Record<string, unknown>
}

type Answering = (request: IncomingMessage, response: ServerResponse) => void

const publish = (publicKey: KeyObject, kid: string, alg: string, more: object): SigningKey['jwk'] => ({
  ...publicKey.export({ format: 'jwk' }),
  kid,
  alg,
  use: 'sig',
  ...more,
})

export const ecKey = (kid: string, more: object = {}, curve = 'P-256'): SigningKey => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: curve })
  const alg = curve === 'P-384' ? 'ES384' : curve === 'P-521' ? 'ES512' : 'ES256'
  return { privateKey, alg, jwk: publish(publicKey, kid, alg, more) }
}

export const rsaKey = (kid: string, bits: number, exponent = 65_537, more: object = {}): SigningKey => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: bits,
    publicExponent: exponent,
  })
  return { privateKey, alg: 'RS256', jwk: publish(publicKey, kid, 'RS256', more) }
}

export const edKey = (kid: string): SigningKey => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  return { privateKey, alg: 'EdDSA', jwk: publish(publicKey, kid, 'EdDSA', {}) }
}

const hashOf: Readonly<Record<string, string>> = { ES384: 'sha384', ES512: 'sha512' }
const encoded = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')

/** A token signed by this key, whatever a library would think of it. */
export const signedBy = (
  { privateKey, alg, jwk: { kid } }: SigningKey,
  claims: object,
  header: object = {},
): string => {
  const head = { alg, typ: 'at+jwt', kid, ...header }
  const input = `${encoded(head)}.${encoded(claims)}`
  const isPss = head.alg.startsWith('PS')
  const signature = signBytes(alg === 'EdDSA' ? null : (hashOf[alg] ?? 'sha256'), Buffer.from(input), {
    key: privateKey,
    dsaEncoding: 'ieee-p1363',
    ...(isPss ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } : {}),
  })
  return `${input}.${signature.toString('base64url')}`
}

/** A token whose signature is made with a shared secret. */
export const signedBySecret = (secret: Buffer, kid: string, claims: object): string => {
  const input = `${encoded({ alg: 'HS256', typ: 'at+jwt', kid })}.${encoded(claims)}`
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

/** An identity provider that publishes what a test tells it to, and counts who asks. */
export const startProvider = async () => {
  let keys: readonly unknown[] = []
  let answer: Answering | undefined
  const calls: string[] = []
  const json = (response: ServerResponse, body: unknown): void =>
    void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  const server = createServer((request, response) => {
    const url = request.url ?? ''
    calls.push(url)
    response.on('error', () => undefined)
    if (answer !== undefined) return answer(request, response)
    serve(url, response)
  })
  const serve = (url: string, response: ServerResponse): void => {
    if (url === '/jwks') json(response, { keys })
    else if (url === '/.well-known/openid-configuration')
      json(response, { issuer, jwks_uri: `${issuer}/jwks` })
    else response.writeHead(404).end()
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  return {
    issuer,
    /** Every path that was asked for, in order. */
    calls,
    json,
    /** As it answers when nothing is wrong. */
    serve,
    publish: (...published: readonly unknown[]): void => {
      keys = published
    },
    /** Answers everything so; undefined is as ever. */
    answerWith: (answering: Answering | undefined): void => {
      answer = answering
    },
    close: async (): Promise<void> => {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
export type Provider = Awaited<ReturnType<typeof startProvider>>
