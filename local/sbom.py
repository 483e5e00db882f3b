"""What a program is made of, as a CycloneDX document; the same crates make the same document."""

import uuid

from cyclonedx.factory.license import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL


def document(crates):
    """The document, in JSON, of a program's crates, the program's own first."""
    components = {crate.key: _component(crate) for crate in crates}
    program, *others = components.values()
    program.type = ComponentType.APPLICATION
    bom = Bom(components=others)
    bom.metadata.component = program
    for crate in crates:
        bom.register_dependency(components[crate.key], [components[key] for key in crate.depends])
    # A serial number and a time of its own would make each document another one.
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_URL, "\n".join(f"{name}@{version}" for name, version in components))
    bom.metadata.timestamp = None
    return make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=2) + "\n"


def _component(crate):
    licence = crate.licence.replace("/", " OR ")
    address = PackageURL("cargo", None, crate.name, crate.version)
    return Component(
        type=ComponentType.LIBRARY,
        name=crate.name,
        version=crate.version,
        bom_ref=str(address),
        # The workspace's own are not on crates.io.
        purl=address if crate.checksum else None,
        licenses=[LicenseFactory().make_from_string(licence)] if licence else [],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=crate.checksum)] if crate.checksum else [],
        external_references=[ExternalReference(type=ExternalReferenceType.VCS, url=XsUri(crate.repository))]
        if crate.repository
        else [],
    )
