/** A value on one line: `{ key: "text", list: [1, 2] }`. */
const flow = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`
  if (typeof value === 'object' && value !== null)
    return `{ ${Object.entries(value)
      .map(([key, one]) => `${key}: ${flow(one)}`)
      .join(', ')} }`
  return JSON.stringify(value)
}

/** YAML of a rule set: a line for each rule, set of people, tier and service. */
export const yamlOf = (file: object): string =>
  Object.entries(file)
    .map(([key, value]) => {
      if (Array.isArray(value) && value.length > 0)
        return `${key}:\n${value.map((one) => `  - ${flow(one)}\n`).join('')}`
      if (typeof value === 'object' && value !== null && Object.keys(value).length > 0)
        return `${key}:\n${Object.entries(value)
          .map(([name, one]) => `  ${name}: ${flow(one)}\n`)
          .join('')}`
      return `${key}: ${flow(value)}\n`
    })
    .join('')
