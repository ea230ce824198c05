/** What a shell is told once; every Tab then asks `onehop __complete`, so that it never becomes old. */
export const SCRIPTS = {
  bash: `_onehop() {
  local line cur=\${COMP_WORDS[COMP_CWORD]}
  COMPREPLY=()
  while IFS= read -r line; do
    line=\${line%%$'\\t'*}
    [[ -n $line && $line == "$cur"* ]] && COMPREPLY+=("$line")
  done < <(onehop __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _onehop onehop
`,
  zsh: `#compdef onehop
_onehop() {
  local line tab=$'\\t'
  local -a items
  for line in "\${(@f)$(onehop __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ -n $line ]] && items+=("\${\${line%%$tab*}//:/\\\\:}:\${line#*$tab}")
  done
  if (( \${#items} )); then _describe onehop items; else _files; fi
}
compdef _onehop onehop
`,
  fish: `function __onehop_complete
  set -l words (commandline -opc) (commandline -ct)
  onehop __complete -- $words[2..] 2>/dev/null
end
complete -c onehop -f -a '(__onehop_complete)'
complete -c onehop -s f -l filename -r -F
`,
} as const;

export type Shell = keyof typeof SCRIPTS;
export const SHELLS = Object.keys(SCRIPTS) as Shell[];
