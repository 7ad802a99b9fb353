/** Where a module's text names another: `import … from`, `export … from`, `import '…'`, `import('…')`, `import.meta.resolve('…')`. */
const STATEMENTS = [
  /^[ \t]*(?:import|export)\b[^'"`;]*?\bfrom\s*(['"])(?<name>[^'"\n]+)\1/gm,
  /^[ \t]*import\s*(['"])(?<name>[^'"\n]+)\1/gm,
  /\b(?:import|import\.meta\.resolve|require|require\.resolve)\(\s*(['"`])(?<name>[^'"`\n]+)\1/g,
]

/** Every module that the text imports, types included: a type that crosses a boundary ties both sides, too. */
export function importsOf(text: string): string[] {
  const code = text.replace(/^[ \t]*\/?\*.*$|^[ \t]*\/\/.*$/gm, '')
  const names = STATEMENTS.flatMap((statement) =>
    [...code.matchAll(statement)].map((match) => match.groups?.name ?? ''),
  )
  return [...new Set(names)]
}

/** `@scope/name/deep` and `name/deep` without what is below the package. */
export function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}
