/**
 * Runs every sample whose toolchain is here against the same cases, and says plainly which are missing:
 *   node infra/assertions/check/main.ts [node python go java]
 * Exit code: 0 every sample that ran refused and took what it should; 1 one did not, or one that was named is missing.
 */
import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { anAssertion, casesOf, type Signing } from './cases.ts'
import {
  type Built,
  buildSample,
  Missing,
  outcomesOf,
  type SampleName,
  sampleNames,
  startSample,
} from './samples.ts'

const issuer = 'pagepass:production'
const service = 'orders-svc'
const newKeyWithinMs = 60_000
const now = (): number => Math.floor(Date.now() / 1_000)

const newSigning = (alg: Signing['alg'], kid: string): Signing => {
  const { privateKey, publicKey } =
    alg === 'EdDSA' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { alg, kid, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' } }
}

/** Publishes keys as the proxy does, and counts who fetches. */
const publish = async (...first: readonly Signing[]) => {
  let published = first
  let fetched = 0
  const server = createServer((_, response) => {
    fetched += 1
    response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'max-age=60' })
    response.end(JSON.stringify({ keys: published.map(({ jwk }) => jwk) }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/.pagepass/jwks.json`,
    fetched: () => fetched,
    publish: (...more: readonly Signing[]): void => {
      published = more
    },
    close: async (): Promise<void> => {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

/** What is wrong with a sample when assertions are signed with this algorithm; nothing where all is well. */
const faultsOf = async (built: Built, alg: Signing['alg']): Promise<{ tried: number; faults: string[] }> => {
  const first = newSigning(alg, 'first')
  const second = newSigning(alg === 'EdDSA' ? 'ES256' : 'EdDSA', 'second')
  const jwks = await publish(first)
  const sample = await startSample(built, { jwks: jwks.url, issuer, service }, process.env)
  try {
    const cases = casesOf({ signing: first, issuer, service, now: now() })
    const outcomes = await outcomesOf(sample, cases)
    const faults = outcomes
      .filter(({ status, expected }) => status !== expected)
      .map(({ name, status, expected }) => `${name}: ${status} instead of ${expected}`)
    const nobody = anAssertion({ signing: { ...first, kid: 'nobody' }, issuer, service, now: now() })
    for (let asked = 0; asked < 10; asked += 1) {
      await setTimeout(400)
      await sample.ask([nobody])
    }
    if (jwks.fetched() > 2) faults.push(`the keys were fetched ${jwks.fetched()} times in a few seconds`)

    // A second key, of the other kind, begins to sign; the first one still does elsewhere.
    jwks.publish(first, second)
    const before = { fetched: jwks.fetched(), at: performance.now() }
    const takes = async (signing: Signing): Promise<boolean> =>
      (await sample.ask([anAssertion({ signing, issuer, service, now: now() })])).status === 200
    while (!(await takes(second)) && performance.now() - before.at < newKeyWithinMs) await setTimeout(500)
    if (!(await takes(second))) faults.push(`a new key was not taken within ${newKeyWithinMs / 1_000} s`)
    if (!(await takes(first))) faults.push('the old key was not taken beside the new one')
    const allowed = 1 + Math.ceil((performance.now() - before.at) / 30_000)
    const more = jwks.fetched() - before.fetched
    if (more > allowed) faults.push(`the keys were fetched ${more} times for an unknown key`)
    return { tried: cases.length + 4, faults }
  } finally {
    await sample.stop()
    await jwks.close()
  }
}

const check = async (name: SampleName): Promise<'well' | 'missing' | 'wrong'> => {
  try {
    const { built, remove } = await buildSample(name, process.env)
    try {
      let wrong = false
      const algorithms = ['EdDSA', 'ES256'] as const
      const results = await Promise.all(algorithms.map((alg) => faultsOf(built, alg)))
      for (const [index, { tried, faults }] of results.entries()) {
        console.log(`${name}, ${algorithms[index]}: ${tried - faults.length} of ${tried} as they should be`)
        for (const fault of faults) console.log(`  wrong: ${fault}`)
        wrong ||= faults.length > 0
      }
      return wrong ? 'wrong' : 'well'
    } finally {
      await remove()
    }
  } catch (error) {
    if (!(error instanceof Missing)) throw error
    console.log(`${name}: not run, ${error.message}`)
    return 'missing'
  }
}

const named = process.argv.slice(2)
const unknown = named.filter((name) => !(sampleNames as readonly string[]).includes(name))
if (unknown.length > 0) throw new Error(`no such sample: ${unknown.join(', ')}`)
const asked = sampleNames.filter((name) => named.length === 0 || named.includes(name))
const states = await Promise.all(asked.map(check))
console.log('envoy: not run, its file is configuration')
if (states.includes('wrong') || (named.length > 0 && states.includes('missing'))) process.exitCode = 1
