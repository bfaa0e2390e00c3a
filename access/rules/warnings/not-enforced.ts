import { readFrom } from '../standing-from.ts'
import type { YamlPath } from '../yaml/read-yaml.ts'
import type { Finding, Looked } from './finding.ts'

/** What is read, checked and hashed, and has no effect yet: a line for each, where it is said first. */
export const notEnforced = ({ source }: Looked): Finding[] => {
  const found: readonly (readonly [string, YamlPath | undefined])[] = [
    [
      'on call of',
      inList('standing', source.standing, ({ from }) => readFrom(from).kind === 'on call', 'from'),
    ],
  ]
  return found.flatMap(([name, path]): Finding[] =>
    path === undefined
      ? []
      : [
          {
            kind: 'not-enforced',
            path,
            part: 'key',
            what: `"${name}" is read and checked, and does nothing yet; don’t count on it`,
          },
        ],
  )
}

const inList = <R>(
  section: string,
  rules: readonly R[],
  says: (rule: R) => boolean,
  key: string,
): YamlPath | undefined => {
  const index = rules.findIndex(says)
  return index === -1 ? undefined : [section, index, key]
}
