import { createServer } from 'node:http'
import Provider, { type AdapterFactory, type Configuration } from 'oidc-provider'
import { listen } from '../http/listen.ts'
import { everyone, type Person } from '../people.ts'
import { type Keys, openKeys } from './keys.ts'
import { createMemoryAdapter } from './memory-adapter.ts'

export const AUDIENCE = 'pagepass'
const RESOURCE = 'urn:pagepass'
const CLIENT = 'pagepass-cli'
const TOKEN_LIFETIME_SECONDS = 3600

export type IdpOptions = { readonly stateFile?: string }

const claimsOf = ({ email, fullName, groups }: Person) => ({ email, name: fullName, groups: [...groups] })

const personWithSubject = (subject: string): Person | undefined =>
  everyone.find((person) => person.subject === subject)

const resource = {
  audience: AUDIENCE,
  scope: '',
  accessTokenFormat: 'jwt' as const,
  accessTokenTTL: TOKEN_LIFETIME_SECONDS,
  jwt: { sign: { alg: 'ES256' as const } },
}

const configuration = (keys: Keys, adapter: AdapterFactory): Configuration => ({
  adapter,
  jwks: { keys: keys.signing },
  cookies: { keys: keys.cookies },
  clients: [
    {
      client_id: CLIENT,
      token_endpoint_auth_method: 'none',
      grant_types: [],
      response_types: [],
      redirect_uris: [],
      id_token_signed_response_alg: 'ES256',
    },
  ],
  responseTypes: ['code'],
  clientDefaults: { id_token_signed_response_alg: 'ES256' },
  claims: { openid: ['sub'], email: ['email'], profile: ['name'], groups: ['groups'] },
  features: {
    devInteractions: { enabled: false },
    resourceIndicators: { enabled: true, getResourceServerInfo: () => resource },
  },
  ttl: { AccessToken: TOKEN_LIFETIME_SECONDS },
  findAccount: (_context, subject) => {
    const person = personWithSubject(subject)
    return person && { accountId: subject, claims: () => ({ sub: subject, ...claimsOf(person) }) }
  },
  extraTokenClaims: (_context, token) => {
    const person = token.kind === 'AccessToken' ? personWithSubject(token.accountId) : undefined
    return person && claimsOf(person)
  },
})

/** A real OpenID provider, whose issuer is the address it listens on. */
export const startIdp = async ({ stateFile }: IdpOptions, port: number) => {
  const keys = await openKeys(stateFile)
  const adapter = createMemoryAdapter(Date.now)
  const server = createServer()
  const { url: issuer, close } = await listen(server, port)

  /** oidc-provider takes its keys only when it is made: with others, a new one takes over behind the same address. */
  const takeOver = (): Provider => new Provider(issuer, configuration(keys.current(), adapter))
  let provider = takeOver()
  let answer = provider.callback()
  server.on('request', (request, response) => answer(request, response))
  const useKeys = (): readonly string[] => {
    provider = takeOver()
    answer = provider.callback()
    return kids()
  }
  const kids = (): readonly string[] => keys.current().signing.map(({ kid }) => kid)

  return {
    issuer,
    close,
    /** The ids of the published signing keys; the first one signs. */
    kids,

    /** A new key signs from now on; the old ones are still published. Resolves with the ids. */
    async rotateKeys(): Promise<readonly string[]> {
      await keys.rotate()
      return useKeys()
    },

    /** Publishes the newest key only: what the others signed can't be verified any more. */
    withdrawOldKeys(): readonly string[] {
      keys.withdrawOld()
      return useKeys()
    },

    /** An access token from oidc-provider itself, as its token endpoint would issue it. `expiresIn` in seconds. */
    async tokenFor(person: Person, { expiresIn }: { readonly expiresIn?: number } = {}): Promise<string> {
      const client = await provider.Client.find(CLIENT)
      if (!client) throw new Error(`The identity provider has no client ${CLIENT}.`)
      const token = new provider.AccessToken({
        client,
        accountId: person.subject,
        resourceServer: new provider.ResourceServer(RESOURCE, resource),
        grantId: `sandbox-${person.name}`,
        gty: 'sandbox',
        ...(expiresIn !== undefined && { expiresIn }),
      })
      return token.save()
    },
  }
}

export type Idp = Awaited<ReturnType<typeof startIdp>>
