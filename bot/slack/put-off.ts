import { failedAnswer } from '../failed-answer.ts'

type Body = Readonly<Record<string, unknown>>
type Told = { readonly response_type: 'ephemeral'; readonly text: string }

const goOn = 'Passes that are running go on.'

/**
 * What somebody reads whose command was put off, since nobody can know whether it is new. An error of HTTP would be shown to
 * them as no more than its name. Undefined for what is no command.
 */
export const putOffAnswer = (body: Body, error: unknown): Told | undefined =>
  told(body, failedAnswer(error, goOn))

/** The same where it takes longer than Slack waits: it may yet be done. */
export const lateAnswer = (body: Body): Told | undefined =>
  told(body, `This takes longer than Slack waits. Look what came of it: \`${body['command']} list\`. ${goOn}`)

const told = ({ command }: Body, text: string): Told | undefined =>
  typeof command === 'string' ? { response_type: 'ephemeral', text } : undefined
