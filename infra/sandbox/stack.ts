import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { createKeys, loadKeys } from '#access/adapters/keys.ts'
import { createStatements } from '#access/adapters/statements.ts'
import { signDirectory } from '#access/runtime/directory.ts'
import { loadRules } from '#access/runtime/rules.ts'
import { pagepassUser } from './pagerduty/account.ts'
import { everyone } from './people.ts'
import { type StartedProcess, startProcess } from './start/processes.ts'

/** Everything that listens, in the order of its default ports from 7070. */
export const placeNames = [
  'proxy',
  'bot',
  'slack',
  'pagerduty',
  'idp',
  'control',
  'orders',
  'payments',
  'redis',
  'proxy admin',
  'bot admin',
  'workers admin',
] as const
export type PlaceName = (typeof placeNames)[number]
export type Ports = Readonly<Record<PlaceName, number>>

export const defaultBasePort = 7070
const environment = 'sandbox'
const root = fileURLToPath(new URL('../../', import.meta.url))

const secretsShape = z.object({
  slackBotToken: z.string(),
  /** For whoever connects to the Slack stand-in in Socket Mode. Data folders of before have none. */
  slackAppToken: z.string().optional(),
  slackSigningSecret: z.string(),
  pagerdutyToken: z.string(),
  pagerdutyWebhookSecret: z.string(),
})
export type SandboxSecrets = z.output<typeof secretsShape>

/** What the sandbox's parts need in the data folder: secrets, keys by role, the rule set, the signed directory. */
export const prepareFolder = async (folder: string, ports: Ports) => {
  for (const name of ['logs', 'sandbox']) await mkdir(join(folder, name), { recursive: true, mode: 0o700 })
  const secrets = await ensureSecrets(join(folder, 'sandbox', 'secrets.json'))
  const keys = join(folder, 'keys')
  await createKeys(keys, environment)
  const written = join(root, 'access.yaml')
  // Checked where it was written, so that a fault names the line to mend and not its copy.
  await loadRules(written)
  const rules = join(folder, 'access.yaml')
  await writeFile(rules, atPorts(await readFile(written, 'utf8'), ports))
  const directory = join(folder, 'directory.jws')
  await writeFile(directory, await sandboxDirectory(join(keys, 'offline'), ports))
  return { folder, ports, secrets, keys, rules, directory }
}
export type Prepared = Awaited<ReturnType<typeof prepareFolder>>

const ensureSecrets = async (file: string): Promise<SandboxSecrets> => {
  const fresh = (): string => randomBytes(24).toString('hex')
  const made = {
    slackBotToken: `xoxb-${fresh()}`,
    slackAppToken: `xapp-${fresh()}`,
    slackSigningSecret: fresh(),
    pagerdutyToken: fresh(),
    pagerdutyWebhookSecret: fresh(),
  }
  await writeFile(file, JSON.stringify(made), { flag: 'wx', mode: 0o600 }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    },
  )
  return secretsShape.parse(JSON.parse(await readFile(file, 'utf8')))
}

/** The rule set is written for the default ports; elsewhere its addresses move along. */
const atPorts = (rules: string, ports: Ports): string =>
  rules.replaceAll(/127\.0\.0\.1:(\d+)/g, (address, port: string) => {
    const name = placeNames[Number(port) - defaultBasePort]
    return name === undefined ? address : `127.0.0.1:${ports[name]}`
  })

/** Everybody of the cast but Dan, whom the directory does not know. */
const sandboxDirectory = async (keyFolder: string, ports: Ports): Promise<string> => {
  const statements = createStatements(await loadKeys(keyFolder, 'offline', environment))
  const known = everyone
    .filter(({ name }) => name !== 'dan')
    .map(({ subject, fullName, groups, slack, pagerduty }) => ({
      issuer: `http://127.0.0.1:${ports.idp}`,
      subject,
      name: fullName,
      groups,
      active: true,
      slack,
      pagerduty,
    }))
  return signDirectory(known, statements, environment, Date.now())
}

export const partNames = ['bot', 'workers', 'proxy'] as const
export type PartName = (typeof partNames)[number]

/** The environment variables of one part. Nothing of ours leaks into it but PATH and the time zone. */
export const partEnvironment = (
  part: PartName,
  { folder, ports, secrets, keys, rules, directory }: Prepared,
  redisUrl: string,
  instance = 'sandbox',
): NodeJS.ProcessEnv => ({
  ...shellEnvironment(),
  PAGEPASS_MODE: 'sandbox',
  PAGEPASS_RULES: rules,
  PAGEPASS_DIRECTORY: directory,
  PAGEPASS_KEYS: join(keys, part),
  PAGEPASS_DATA_DIR: folder,
  PAGEPASS_INSTANCE: instance,
  PAGEPASS_ADMIN_LISTEN: `127.0.0.1:${ports[`${part} admin`]}`,
  REDIS_URL: redisUrl,
  ...(part === 'proxy'
    ? { PAGEPASS_PROXY_LISTEN: `127.0.0.1:${ports.proxy}`, PAGEPASS_PROXY_PROCESSES: '1' }
    : {}),
  ...(part === 'proxy'
    ? {}
    : { SLACK_BOT_TOKEN: secrets.slackBotToken, SLACK_API_URL: `http://127.0.0.1:${ports.slack}/api/` }),
  ...(part === 'bot'
    ? {
        PAGEPASS_BOT_LISTEN: `127.0.0.1:${ports.bot}`,
        SLACK_SIGNING_SECRET: secrets.slackSigningSecret,
        PAGERDUTY_TOKEN: secrets.pagerdutyToken,
        PAGERDUTY_WEBHOOK_SECRET: secrets.pagerdutyWebhookSecret,
        PAGERDUTY_API_URL: `http://127.0.0.1:${ports.pagerduty}`,
      }
    : {}),
  ...(part === 'workers'
    ? {
        PAGERDUTY_TOKEN: secrets.pagerdutyToken,
        PAGERDUTY_FROM: pagepassUser.email,
        PAGERDUTY_API_URL: `http://127.0.0.1:${ports.pagerduty}`,
      }
    : {}),
})

const shellEnvironment = (): NodeJS.ProcessEnv => {
  const { PATH, TZ, LANG } = process.env
  return Object.fromEntries(Object.entries({ PATH, TZ, LANG }).filter(([, value]) => value !== undefined))
}

export const startPart = (
  part: PartName,
  prepared: Prepared,
  redisUrl: string,
  more: NodeJS.ProcessEnv = {},
): Promise<StartedProcess> =>
  startProcess({
    name: part,
    command: process.execPath,
    args: [join(root, part, 'main.ts')],
    env: { ...partEnvironment(part, prepared, redisUrl), ...more },
    logFile: join(prepared.folder, 'logs', `${part}.log`),
  })

export const readyUrl = (part: PartName, ports: Ports): string =>
  `http://127.0.0.1:${ports[`${part} admin`]}/readyz`

/** The stand-ins and demo services, as one process of their own. */
export const startWorldProcess = ({ folder, ports, secrets }: Prepared): Promise<StartedProcess> =>
  startProcess({
    name: 'sandbox',
    command: process.execPath,
    args: [join(root, 'infra/sandbox/world-main.ts')],
    env: {
      ...shellEnvironment(),
      SANDBOX_PORTS: (['slack', 'pagerduty', 'idp', 'control', 'orders', 'payments'] as const)
        .map((place) => `${place}=${ports[place]}`)
        .join(','),
      SANDBOX_STATE: join(folder, 'sandbox'),
      SANDBOX_BOT_URL: `http://127.0.0.1:${ports.bot}`,
      SLACK_BOT_TOKEN: secrets.slackBotToken,
      ...(secrets.slackAppToken === undefined ? {} : { SLACK_APP_TOKEN: secrets.slackAppToken }),
      SLACK_SIGNING_SECRET: secrets.slackSigningSecret,
      PAGERDUTY_TOKEN: secrets.pagerdutyToken,
      PAGERDUTY_WEBHOOK_SECRET: secrets.pagerdutyWebhookSecret,
    },
    logFile: join(folder, 'logs', 'sandbox.log'),
  })
