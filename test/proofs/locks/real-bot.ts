import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadKeys } from '#access/adapters/keys.ts'
import { createStatements } from '#access/adapters/statements.ts'
import { signDirectory } from '#access/runtime/directory.ts'
import { people } from '#infra/sandbox/people.ts'
import { messageText } from '#infra/sandbox/slack/plain-text.ts'
import { createSlack } from '#infra/sandbox/slack/slack.ts'
import { startProcess } from '#infra/sandbox/start/processes.ts'
import { steadyPort } from '../../free-ports.ts'
import type { Fleet } from '../fleet/fleet.ts'
import { patiently } from '../fleet/patiently.ts'

const botMain = fileURLToPath(new URL('../../../bot/main.ts', import.meta.url))
const secret = 'a-signing-secret-of-slack'

/** A bot as it runs, for people who are known to Slack and the directory; what they write is answered. */
export const startRealBot = async (
  fleet: Fleet,
  folder: string,
  redisUrl: string,
  ends: (end: () => unknown) => void,
  subjects: readonly string[],
) => {
  const members = subjects.map((subject) => ({
    ...people.ben,
    name: 'ben' as const,
    fullName: subject,
    subject,
    slack: { ...people.ben.slack, user: `U0${subject.toUpperCase().padStart(8, '0')}` },
  }))
  const offline = await loadKeys(join(fleet.keys, 'offline'), 'offline', 'sandbox')
  const known = members.map(({ subject, groups, slack }) => {
    return { issuer: fleet.issuer, subject, name: subject, groups, active: true, slack }
  })
  const directory = join(folder, 'directory.jws')
  await writeFile(directory, await signDirectory(known, createStatements(offline), 'sandbox', Date.now()))
  const port = await steadyPort()
  const adminPort = await steadyPort()
  const slack = createSlack({
    botToken: 'xoxb-locks',
    signingSecret: secret,
    bot: { eventsUrl: `http://127.0.0.1:${port}/slack/events` },
  })
  await slack.listen(0)
  ends(slack.close)
  const started = await startProcess({
    name: 'bot',
    command: process.execPath,
    args: [botMain],
    logFile: join(folder, 'bot.log'),
    env: {
      PATH: process.env['PATH'],
      PAGEPASS_MODE: 'sandbox',
      PAGEPASS_RULES: fleet.rulesFile,
      PAGEPASS_DIRECTORY: directory,
      PAGEPASS_KEYS: join(fleet.keys, 'bot'),
      PAGEPASS_DATA_DIR: folder,
      PAGEPASS_INSTANCE: 'bot',
      PAGEPASS_ADMIN_LISTEN: `127.0.0.1:${adminPort}`,
      PAGEPASS_BOT_LISTEN: `127.0.0.1:${port}`,
      REDIS_URL: redisUrl,
      SLACK_BOT_TOKEN: 'xoxb-locks',
      SLACK_SIGNING_SECRET: secret,
      SLACK_API_URL: slack.apiUrl(),
      PAGERDUTY_TOKEN: 'nobody-asks-pagerduty',
      PAGERDUTY_WEBHOOK_SECRET: 'nobody-sends-any-webhook',
      PAGERDUTY_API_URL: 'http://127.0.0.1:1',
    },
  })
  ends(() => started.stop(2_000))
  let hasEnded = false
  void started.exited.then(() => {
    hasEnded = true
  })
  await patiently(async () => {
    if (hasEnded) throw new Error(`the bot did not start: ${started.logTail()}`)
    const answer = await fetch(`http://127.0.0.1:${adminPort}/readyz`).catch(() => undefined)
    return answer?.ok === true
  }, 'the bot to be ready')
  return {
    /** What somebody is answered; undefined where it was no words. */
    say: async (subject: string, text: string): Promise<string | undefined> => {
      const member = members.find((one) => one.subject === subject)
      if (member === undefined) throw new Error(`nobody is ${subject}`)
      const { answer } = await slack.sendCommand(member, '/access', text)
      return answer === undefined ? undefined : messageText(answer)
    },
  }
}
