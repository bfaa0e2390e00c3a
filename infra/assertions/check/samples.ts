import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Case } from './cases.ts'

export const sampleNames = ['node', 'python', 'go', 'java'] as const
export type SampleName = (typeof sampleNames)[number]

/** What a sample is told. */
export type Settings = { readonly jwks: string; readonly issuer: string; readonly service: string }

/** How a built sample is run. */
export type Built = { readonly command: string; readonly args: readonly string[] }

const folder = fileURLToPath(new URL('..', import.meta.url))

/** Runs something to its end; undefined where there is no such program or it failed. */
const output = async (
  command: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  cwd = folder,
): Promise<{ readonly ok: boolean; readonly text: string }> => {
  const child = spawn(command, args, { cwd, env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ ok: false, text: error.message }))
    child.once('close', (code) => resolve({ ok: code === 0, text }))
  })
}

/** A toolchain or library that is not here, and how to get it. */
export class Missing extends Error {}

type Build = (environment: NodeJS.ProcessEnv, work: string) => Promise<Built>

const builds: Readonly<Record<SampleName, Build>> = {
  node: async () => ({ command: process.execPath, args: [join(folder, 'node/main.ts')] }),

  python: async (environment) => {
    // Debian's packages are those of Debian's own Python, which need not be the first on the PATH.
    for (const command of ['python3', '/usr/bin/python3'])
      if ((await output(command, ['-c', 'import jwt, cryptography'], environment)).ok)
        return { command, args: ['-u', join(folder, 'python/service.py')] }
    throw new Missing('no Python with PyJWT: apt-get install python3-jwt python3-cryptography')
  },

  go: async (environment, work) => {
    if (!(await output('go', ['version'], environment)).ok)
      throw new Missing('no Go: install Go 1.24 or newer')
    const command = join(work, 'orders')
    const built = await output('go', ['build', '-o', command, '.'], environment, join(folder, 'go'))
    if (!built.ok) throw new Error(`go build: ${built.text}`)
    return { command, args: [] }
  },

  java: async (environment, work) => {
    for (const program of ['java', 'mvn'])
      if (!(await output(program, ['-version'], environment)).ok)
        throw new Missing(`no ${program}: apt-get install default-jdk-headless maven`)
    const project = join(work, 'java')
    await cp(join(folder, 'java'), project, { recursive: true })
    const built = await output('mvn', ['-q', '-B', 'package'], environment, project)
    if (!built.ok) throw new Error(`mvn package: ${built.text}`)
    const path = [join(project, 'target/classes'), join(project, 'target/lib/*')].join(':')
    return { command: 'java', args: ['-cp', path, 'Service'] }
  },
}

/** Builds a sample, in a folder of its own that `remove` takes away. Throws `Missing` where its toolchain is not here. */
export const buildSample = async (name: SampleName, environment: NodeJS.ProcessEnv) => {
  const work = await mkdtemp(join(tmpdir(), `pagepass-sample-${name}-`))
  const remove = (): Promise<void> => rm(work, { recursive: true, force: true })
  try {
    return { built: await builds[name](environment, work), remove }
  } catch (error) {
    await remove()
    throw error
  }
}

/** Starts a sample at a free port. */
export const startSample = async (
  { command, args }: Built,
  { jwks, issuer, service }: Settings,
  environment: NodeJS.ProcessEnv,
) => {
  const settings = { PAGEPASS_JWKS: jwks, PAGEPASS_ISSUER: issuer, PAGEPASS_SERVICE: service, PORT: '0' }
  const child = spawn(command, args, {
    env: { ...environment, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = once(child, 'close')
  const port = await portOf(child, `${command} ${args.join(' ')}`)
  return {
    /** The status and body with which it answers a request with these assertions. */
    ask: (sent: readonly string[]) => ask(port, sent),
    stop: async (): Promise<void> => {
      child.kill('SIGKILL')
      await ended
    },
  }
}
export type Sample = Awaited<ReturnType<typeof startSample>>

const portOf = (child: ChildProcess, what: string): Promise<number> =>
  new Promise((resolve, reject) => {
    let said = ''
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`${what} ended with ${code}: ${said}`)))
    child.stderr?.on('data', (chunk: Buffer) => {
      said = `${said}${chunk.toString()}`.slice(-2_000)
    })
    child.stdout?.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      const [, port] = /listening on 127\.0\.0\.1:(\d+)/.exec(said) ?? []
      if (port !== undefined) resolve(Number(port))
    })
  })

const ask = (
  port: number,
  sent: readonly string[],
): Promise<{ readonly status: number; readonly body: string }> =>
  new Promise((resolve, reject) => {
    const headers = ['Host', `127.0.0.1:${port}`, ...sent.flatMap((one) => ['X-Pagepass-Assertion', one])]
    const asked = request({ host: '127.0.0.1', port, path: '/v1/orders', headers, agent: false })
    asked.on('error', reject)
    asked.on('response', (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text
      })
      response.on('error', reject)
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
    })
    asked.end()
  })

export type Outcome = { readonly name: string; readonly status: number; readonly expected: number }

/** How a sample answers to each case. */
export const outcomesOf = async (sample: Sample, cases: readonly Case[]): Promise<Outcome[]> => {
  const outcomes: Outcome[] = []
  for (const { name, sent, holds } of cases) {
    const { status } = await sample.ask(sent)
    outcomes.push({ name, status, expected: holds ? 200 : 401 })
  }
  return outcomes
}
