/**
 * A service that answers only to whoever Pagepass vouches for. With the packages jose 6 and Node 24:
 *   PAGEPASS_JWKS=https://orders-svc.access.example.com/.pagepass/jwks.json \
 *   PAGEPASS_ISSUER=pagepass:production PAGEPASS_SERVICE=orders-svc PORT=9001 node main.ts
 */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createRemoteJWKSet, type JWTPayload, jwtVerify } from 'jose'

const setting = (name: string): string => {
  const value = process.env[name]
  if (value === undefined || value === '') throw new Error(`${name} is missing`)
  return value
}
const issuer = setting('PAGEPASS_ISSUER')
const service = setting('PAGEPASS_SERVICE')

/** Fetched when needed and every 5 minutes; for a key that nobody knows, at most once in 30 s. */
const keys = createRemoteJWKSet(new URL(setting('PAGEPASS_JWKS')), {
  cacheMaxAge: 300_000,
  cooldownDuration: 30_000,
  timeoutDuration: 5_000,
})

/** The claims of the one assertion that came with a request. Throws where there is none that holds. */
const whoAsks = async (request: IncomingMessage): Promise<JWTPayload> => {
  const [assertion, ...more] = request.headersDistinct['x-pagepass-assertion'] ?? []
  if (assertion === undefined || more.length > 0) throw new Error('there is not exactly one assertion')
  const { payload } = await jwtVerify(assertion, keys, {
    algorithms: ['EdDSA', 'ES256'],
    typ: 'pagepass-assertion+jwt',
    issuer,
    audience: service,
    clockTolerance: 10,
    requiredClaims: ['exp', 'sub'],
  })
  // The library is content with a list that has us in it.
  if (payload.aud !== service) throw new Error('it is for others as well')
  return payload
}

const server = createServer((request, response) => {
  const answer = (status: number, body: object): void =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`)
  whoAsks(request).then(
    ({ sub, name, tier, grant }) => answer(200, { sub, name, tier, grant }),
    (error: Error) => {
      // For the log alone: whoever is not vouched for learns nothing.
      console.error(`refused: ${error.message}`)
      answer(401, { error: 'no valid assertion' })
    },
  )
})
server.listen(Number(process.env['PORT'] ?? 9001), '127.0.0.1', () =>
  console.log(`listening on 127.0.0.1:${(server.address() as AddressInfo).port}`),
)
